# From a fresh clone, with Python 3.11 or newer and nothing else: `make run`, `make test`.
# Another interpreter: make PYTHON=/path/to/python3.12 run

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := levqor intelligence monitoring tenancy
# At most two test processes: each works in a database of its own on one server.
PROCESSES := $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); [ $$n -gt 2 ] && n=2; echo $$n)
PYTEST := $(BIN)/python -m pytest -n $(PROCESSES)
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check bench faults browser clean

help:  ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/installed  ## Run the whole portal; Ctrl-C stops it
	$(BIN)/python manage.py up $(ARGS)

test: $(VENV)/installed-dev  ## Run all tests but the long fault trials (ARGS='-k name' for some)
	$(PYTEST) -m "not (fault and slow) and not long" $(ARGS)

faults: $(VENV)/installed-dev  ## Kill real processes in many ways and see that nothing is lost
	$(BIN)/python -m pytest -m "fault or long" $(ARGS)

bench: $(VENV)/installed-dev  ## Measure speed and size against named baselines
	@set -e; for script in $$(find bench -name '*.py' ! -name '__init__.py' | sort); do \
		module=$$(echo $${script%.py} | tr / .); echo "== $$module"; $(BIN)/python -m $$module; \
	done

check: $(VENV)/installed-dev  ## Format, lint, types, house rules, migrations, deployment, security
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	LEVQOR_HTTPS=true SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive $(PACKAGES)
	$(BIN)/python .ci/audit_dependencies.py

browser:  ## Install Chromium for the browser tests (Debian and its kin, as root)
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then \
		echo "Chromium is installed."; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium chromium-driver; \
	else \
		echo "Chromium is not installed. As root on Debian: apt-get install chromium chromium-driver." >&2; exit 1; \
	fi

clean:  ## Remove the virtual environment and all caches; var/ (the data) stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov
	find . -path ./var -prune -o -name __pycache__ -type d -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@echo "Making the virtual environment $(VENV)"
	@rm -rf $(VENV); $(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); echo "Unable to make it. On Debian the module is in a package of its own: apt-get install python3-venv" >&2; \
		exit 1; }

$(VENV)/installed: requirements.txt | $(BIN)/python
	@echo "Installing what the portal runs on"
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing what the tests and checks need"
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $(VENV)/installed $@

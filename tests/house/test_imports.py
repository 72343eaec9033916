"""The house stands as drawn: who may import whom."""

from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parents[2]


def test_imports_keep_to_the_contracts(monkeypatch):
    monkeypatch.chdir(ROOT)

    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS


def test_no_package_is_a_catch_all():
    names = {
        path.stem for path in ROOT.glob("*/**/*.py") if ".venv" not in path.parts and "var" not in path.parts
    }

    assert not names & {"common", "core", "utils", "util", "helpers", "helper", "misc"}

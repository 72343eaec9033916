"""Every command of ours is run by a test."""

from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
OURS = sorted(
    name for name, app in get_commands().items() if app in {"levqor", "intelligence", "monitoring", "tenancy"}
)
TESTS = "\n".join(
    path.read_text() for path in (ROOT / "tests").rglob("test_*.py") if path.name != Path(__file__).name
)


@pytest.mark.parametrize("name", OURS)
def test_command_is_run_by_a_test(name):
    assert f'"{name}"' in TESTS, f"no test runs manage.py {name}"


@pytest.mark.parametrize("name", OURS)
def test_command_says_what_it_is_for(name):
    text = load_command_class(get_commands()[name], name).help

    assert len(text) > 20
    assert text.endswith((".", ")"))

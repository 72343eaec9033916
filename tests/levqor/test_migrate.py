import pytest
from django.core.management import call_command, load_command_class


def test_migrate_runs_as_the_owner_of_the_tables():
    parser = load_command_class("levqor", "migrate").create_parser("manage.py", "migrate")

    assert parser.parse_args([]).database == "owner"


def test_migrate_can_be_asked_for_its_help(capsys):
    with pytest.raises(SystemExit, match="0"):
        call_command("migrate", "--help")

    assert "DATABASE_ADMIN_URL" in capsys.readouterr().out

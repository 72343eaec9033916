import os
from io import StringIO
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.core.management import CommandError, call_command

from tenancy.services import roles

APP = "postgres://levqor_app:app%2Fsecret@127.0.0.1:5432/portal"
OWNER = "postgres://levqor_owner:own%2Fsecret@127.0.0.1:5432/portal"


@pytest.fixture
def urls(settings):
    settings.DATABASE_URL, settings.DATABASE_ADMIN_URL = APP, OWNER
    return settings


def setup(superuser="postgres://nobody@127.0.0.1:1/postgres"):
    out = StringIO()
    call_command("setup_roles", "--superuser-url", superuser, stdout=out)
    return out.getvalue()


def test_it_takes_the_passwords_and_the_database_from_the_addresses(urls, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "tenancy.management.commands.setup_roles.ensure_roles",
        lambda dsn, **given: calls.append((dsn, given)),
    )

    out = setup("postgres://root:pass-of-root@127.0.0.1/postgres")

    assert calls == [
        (
            "postgres://root:pass-of-root@127.0.0.1/postgres",
            {"database": "portal", "owner_password": "own/secret", "app_password": "app/secret"},
        )
    ]
    assert "'portal'" in out
    assert not any(secret in out for secret in ("secret", "pass-of-root"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"DATABASE_URL": ""}, "Set DATABASE_URL"),
        ({"DATABASE_URL": OWNER}, "DATABASE_URL must log in as levqor_app, not as levqor_owner"),
        ({"DATABASE_ADMIN_URL": APP}, "DATABASE_ADMIN_URL must log in as levqor_owner"),
        ({"DATABASE_URL": APP.replace(":app%2Fsecret", "")}, "no password"),
        ({"DATABASE_URL": APP.replace("portal", "other")}, "must name the same database"),
    ],
)
def test_addresses_that_do_not_fit_are_refused(urls, change, message):
    for name, value in change.items():
        setattr(urls, name, value)

    with pytest.raises(CommandError, match=message):
        setup()


@pytest.mark.parametrize(
    ("superuser", "message"),
    [
        ("", "Set DATABASE_SUPERUSER_URL"),
        ("host secret-word", "no address of a PostgreSQL server"),
        ("postgres://root:secret-word@127.0.0.1:1/postgres", "cannot log in"),
    ],
)
def test_a_superuser_that_cannot_is_said_without_its_password(urls, superuser, message):
    with pytest.raises(CommandError, match=message) as refusal:
        setup(superuser)

    assert "secret-word" not in str(refusal.value)


@pytest.mark.skipif(
    "LEVQOR_TEST_CREATOR_URL" not in os.environ, reason="No superuser of the test server is known."
)
def test_it_makes_a_database_that_its_owner_owns(monkeypatch, settings):
    superuser = os.environ["LEVQOR_TEST_CREATOR_URL"]
    name = f"{urlsplit(os.environ['DATABASE_URL']).path[1:]}_made"
    settings.DATABASE_URL = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    settings.DATABASE_ADMIN_URL = (
        urlsplit(os.environ["DATABASE_ADMIN_URL"])._replace(path=f"/{name}").geturl()
    )

    setup(superuser)
    setup(superuser)

    connection = psycopg2.connect(settings.DATABASE_ADMIN_URL)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [name])
        assert cursor.fetchone() == (roles.OWNER_ROLE,)
    connection.close()

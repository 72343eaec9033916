from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import psycopg2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from psycopg2.extensions import parse_dsn

from tenancy.domain.row_security import APP_ROLE, OWNER_ROLE
from tenancy.services.roles import ensure_roles

_VARIABLE = "DATABASE_SUPERUSER_URL"


class Command(BaseCommand):
    help = (
        "Make the portal's roles and its database on a PostgreSQL server of your own, or mend them. "
        f"Their passwords are those in DATABASE_URL ({APP_ROLE}) and DATABASE_ADMIN_URL ({OWNER_ROLE}). "
        "Safe to repeat."
    )
    # There may be no database yet to check anything against.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--superuser-url",
            default=settings.DATABASE_SUPERUSER_URL,
            metavar="URL",
            help=f"Login of a superuser, postgres://USER:PASSWORD@HOST/postgres. Better set {_VARIABLE}: "
            "other users of this machine can read a command line.",
        )

    def handle(self, *args: Any, superuser_url: str, **options: Any) -> None:
        if not superuser_url:
            raise CommandError(f"Set {_VARIABLE} to the login of a superuser of the server.")
        app = _login("DATABASE_URL", settings.DATABASE_URL, APP_ROLE)
        owner = _login("DATABASE_ADMIN_URL", settings.DATABASE_ADMIN_URL, OWNER_ROLE)
        database = _database(app)
        if database != _database(owner):
            raise CommandError("DATABASE_URL and DATABASE_ADMIN_URL must name the same database.")
        try:
            parse_dsn(superuser_url)
        except psycopg2.ProgrammingError:
            # Not chained and not quoted: the driver's words repeat the address, password and all.
            raise CommandError(f"{_VARIABLE} is no address of a PostgreSQL server.") from None
        try:
            ensure_roles(
                superuser_url,
                database=database,
                owner_password=unquote(owner.password or ""),
                app_password=unquote(app.password or ""),
            )
        except psycopg2.OperationalError as error:
            raise CommandError(f"The superuser cannot log in: {str(error).strip()}") from error
        except psycopg2.errors.InsufficientPrivilege as error:
            raise CommandError(f"{_VARIABLE} is no superuser's: {str(error).strip()}") from error
        self.stdout.write(
            f"Database {database!r}: roles made or mended. "
            f"{OWNER_ROLE} owns it and migrates, {APP_ROLE} serves.\n"
            "Next: `manage.py migrate`."
        )


def _login(variable: str, url: str, role: str) -> SplitResult:
    if not url:
        raise CommandError(f"Set {variable}: postgres://{role}:PASSWORD@HOST:PORT/DATABASE.")
    parsed = urlsplit(url)
    if unquote(parsed.username or "") != role:
        raise CommandError(f"{variable} must log in as {role}, not as {parsed.username or 'nobody'}.")
    if not parsed.password:
        raise CommandError(f"{variable} has no password for {role}.")
    return parsed


def _database(parsed: SplitResult) -> str:
    database = unquote(parsed.path.lstrip("/"))
    if not database:
        raise CommandError("DATABASE_URL names no database.")
    return database

"""A database of one's own beside the portal's, for work that must not touch it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from django.core.management import call_command
from django.db import connections
from psycopg2 import sql

from tenancy.services.roles import ensure_portal_database, set_default_privileges

logger = logging.getLogger(__name__)

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
_ALIASES = ("default", "owner")


class UnableToMakeDatabase(Exception):
    """The owner's login cannot make a database; the message says what to mend."""


@contextmanager
def database_of_its_own(name: str, *, keep: bool = False) -> Iterator[str]:
    """This will make, migrate and use the database `name` inside the block, and drop it after unless `keep`.

    Both logins of this thread work in it meanwhile; the portal's own database is not touched. Not for a
    process that serves anybody else. Nothing in it outlives a crash of the server: commits are not waited for.

    Raises:
        UnableToMakeDatabase: when it exists, or the owner's login (DATABASE_ADMIN_URL) may not make one.
    """
    if not _NAME.match(name):
        raise UnableToMakeDatabase(f"{name!r} is no name for a database: use small letters, digits and _.")
    before = {alias: connections[alias].settings_dict["NAME"] for alias in _ALIASES}
    if name in before.values():
        raise UnableToMakeDatabase(f"{name!r} is the portal's own database. Choose another name.")
    _create(name)
    try:
        _point_at(dict.fromkeys(_ALIASES, name))
        call_command("migrate", verbosity=0, interactive=False)
        yield name
    finally:
        _point_at(before)
        if not keep:
            drop_database(name)


def drop_database(name: str) -> None:
    """This will drop a database that `database_of_its_own` made."""
    # Not WITH (FORCE), which the owner is refused while autovacuum is at work there; a plain DROP ends that.
    try:
        with _server() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
    except psycopg2.Error as error:
        # What was done in it is worth more than the space it takes.
        logger.warning("Database %s could not be dropped; drop it by hand: %s", name, str(error).strip())


def _create(name: str) -> None:
    try:
        with _server() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone():
                raise UnableToMakeDatabase(
                    f"There is a database {name!r} already. Drop it, or choose another."
                )
            ensure_portal_database(cursor, name)
            cursor.execute(
                sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name))
            )
        set_default_privileges(_dsn(), name)
    except psycopg2.Error as error:
        raise UnableToMakeDatabase(
            f"The owner's login (DATABASE_ADMIN_URL) cannot make the database: {str(error).strip()}"
        ) from error


@contextmanager
def _server() -> Iterator[psycopg2.extensions.cursor]:
    """A cursor of the owner on the portal's server, outside any transaction."""
    connection = psycopg2.connect(_dsn())
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _dsn() -> str:
    known = connections["owner"].get_connection_params()
    wanted = {"dbname": "dbname", "user": "user", "password": "password", "host": "host", "port": "port"}
    parts = {key: str(known[name]) for key, name in wanted.items() if known.get(name)}
    # Not the portal's database: it may be the template of nothing and is not held open.
    parts["dbname"] = "postgres"
    return psycopg2.extensions.make_dsn(**parts)


def _point_at(names: dict[str, str]) -> None:
    for alias, name in names.items():
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name

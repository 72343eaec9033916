"""The servers the tests run against: real ones, started for one pytest run unless the environment has some.

The process that runs pytest starts them; pytest-xdist's workers inherit their addresses. Each worker has its
own database, cloned from one migrated template, and its own numbered Redis database.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg2
from psycopg2 import sql

from levqor.runtime.servers import EmbeddedServers
from tenancy.domain.row_security import APP_ROLE, OWNER_ROLE, PORTAL_ROLE
from tenancy.services import roles

ROOT = Path(__file__).resolve().parent.parent
_FOLDER_PREFIX = "levqor-tests-"
_FOLDER, _CREATOR_URL = "LEVQOR_TEST_FOLDER", "LEVQOR_TEST_CREATOR_URL"


def start_servers() -> EmbeddedServers:
    """This will start the servers that the environment does not name, and put their addresses there."""
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30 else None
    _remove_abandoned(place or Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{os.getpid()}-", dir=place))
    with_postgres = "DATABASE_URL" not in os.environ
    servers = EmbeddedServers(
        folder / "var", fast=True, with_postgres=with_postgres, with_valkey="REDIS_URL" not in os.environ
    )
    addresses = servers.start()
    if with_postgres:
        os.environ[_CREATOR_URL] = servers.superuser_url()
    for name, value in addresses.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DATABASE_ADMIN_URL", os.environ["DATABASE_URL"])
    # A `var` of its own: no test reads or writes the clone's.
    os.environ |= {_FOLDER: str(folder), "LEVQOR_VAR": str(folder / "portal")}
    return servers


def stop_servers(servers: EmbeddedServers) -> None:
    """This will stop them and remove every trace of the run."""
    if _CREATOR_URL not in os.environ:
        for name in _own_databases():
            _execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    servers.stop()
    shutil.rmtree(os.environ[_FOLDER])


def run_folder() -> Path:
    """The folder of this pytest run; removed at its end."""
    return Path(os.environ[_FOLDER])


def _remove_abandoned(place: Path) -> None:
    for folder in place.glob(f"{_FOLDER_PREFIX}*"):
        if not psutil.pid_exists(int(folder.name.removeprefix(_FOLDER_PREFIX).split("-")[0])):
            shutil.rmtree(folder, ignore_errors=True)


def address_worker(number: int) -> None:
    """This will point the addresses in the environment at the databases of worker `number`."""
    name = f"{_run_prefix()}_{number}"
    for variable in ("DATABASE_URL", "DATABASE_ADMIN_URL"):
        os.environ[variable] = _with_database(os.environ[variable], name)
    if "LEVQOR_TEST_REDIS_BASE" not in os.environ:
        os.environ["LEVQOR_TEST_REDIS_BASE"] = os.environ["REDIS_URL"]
    # From 1: number 0 is what somebody's `REDIS_URL` usually means.
    os.environ["REDIS_URL"] = _with_database(os.environ["LEVQOR_TEST_REDIS_BASE"], str(number + 1))
    # On a server that was given the numbers may be somebody's: names keep us apart as well.
    os.environ |= {"CACHE_KEY_PREFIX": name, "CELERY_QUEUE": name}


def clone_database() -> None:
    """This will make this worker's database anew from the migrated template (and that, if missing)."""
    with _one_at_a_time():
        if not _exists(_template()):
            _make_template()
    name = sql.Identifier(_worker_database())
    _execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name),
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
            name, sql.Identifier(OWNER_ROLE), sql.Identifier(_template())
        ),
        # The rights on a database itself are not copied from its template.
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name),
        sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, sql.Identifier(APP_ROLE)),
        sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(name, sql.Identifier(PORTAL_ROLE)),
    )


def _make_template() -> None:
    unfinished = f"{_template()}_new"
    creator = _creator_url()
    _execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(unfinished)))
    with _connected(creator) as connection, connection.cursor() as cursor:
        roles.ensure_portal_database(cursor, unfinished)
    roles.set_default_privileges(creator, unfinished)
    urls = {
        name: _with_database(os.environ[name], unfinished) for name in ("DATABASE_URL", "DATABASE_ADMIN_URL")
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={**os.environ, **urls},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"Unable to migrate the test database:\n{done.stdout}{done.stderr}")
    _execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(unfinished), sql.Identifier(_template())
        )
    )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with Path(os.environ[_FOLDER], "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _connected(url: str) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def _execute(*statements: sql.Composed) -> None:
    with _connected(_creator_url()) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _exists(name: str) -> bool:
    with _connected(_creator_url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def _own_databases() -> list[str]:
    with _connected(_creator_url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_run_prefix()])
        return [str(row[0]) for row in cursor.fetchall()]


def _creator_url() -> str:
    """A login that may create databases: the embedded superuser, or the owner on a server that was given."""
    return os.environ.get(_CREATOR_URL) or _with_database(os.environ["DATABASE_ADMIN_URL"], "postgres")


def _run_prefix() -> str:
    return "test_" + Path(os.environ[_FOLDER]).name.removeprefix(_FOLDER_PREFIX).replace("-", "_")


def _template() -> str:
    return f"{_run_prefix()}_template"


def _worker_database() -> str:
    return urlsplit(os.environ["DATABASE_URL"]).path.removeprefix("/")


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))

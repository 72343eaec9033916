"""The PostgreSQL roles the portal runs under.

`levqor_owner` owns the tables: it migrates, provisions and snapshots (`DATABASE_ADMIN_URL`).
`levqor_app` is the application's login (`DATABASE_URL`): no superuser, no owner, no BYPASSRLS, and no
privilege on tenant data but through `levqor_tenant` or `levqor_control`, which it takes on for one
transaction at a time. `levqor_portal` holds what all three share: the control tables.
"""

import psycopg2
from psycopg2 import sql

from tenancy.domain.row_security import APP_ROLE, CONTROL_ROLE, OWNER_ROLE, PORTAL_ROLE, TENANT_ROLE

_LOCK = 0x6C65_7671  # "levq": two runs at once would race on CREATE ROLE


def ensure_roles(superuser_dsn: str, *, database: str, owner_password: str, app_password: str) -> None:
    """This will create or mend the roles and the database. Safe to repeat.

    Raises:
        psycopg2.Error: when `superuser_dsn` does not reach a superuser.
    """
    connection = psycopg2.connect(superuser_dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            _ensure_role(cursor, OWNER_ROLE, "LOGIN CREATEDB CREATEROLE BYPASSRLS", owner_password)
            _ensure_role(
                cursor, APP_ROLE, "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS", app_password
            )
            for role in (PORTAL_ROLE, TENANT_ROLE, CONTROL_ROLE):
                _ensure_role(cursor, role, "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS", None)
            _grant_memberships(cursor)
            ensure_portal_database(cursor, database)
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    finally:
        connection.close()
    set_default_privileges(superuser_dsn, database)


def _ensure_role(cursor: psycopg2.extensions.cursor, role: str, options: str, password: str | None) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    verb = "ALTER" if cursor.fetchone() else "CREATE"
    statement = sql.SQL(f"{verb} ROLE {{}} {options}").format(sql.Identifier(role))
    if password is not None:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
    cursor.execute(statement)


def _grant_memberships(cursor: psycopg2.extensions.cursor) -> None:
    for member in (APP_ROLE, TENANT_ROLE, CONTROL_ROLE):
        cursor.execute(f"GRANT {PORTAL_ROLE} TO {member} WITH INHERIT TRUE, SET FALSE")
    for role in (TENANT_ROLE, CONTROL_ROLE):
        # SET but not INHERIT: the login gets these privileges only where a transaction asks for them.
        cursor.execute(f"GRANT {role} TO {APP_ROLE} WITH INHERIT FALSE, SET TRUE")
    cursor.execute(f"GRANT {PORTAL_ROLE}, {TENANT_ROLE}, {CONTROL_ROLE} TO {OWNER_ROLE} WITH ADMIN TRUE")


def ensure_portal_database(cursor: psycopg2.extensions.cursor, database: str) -> None:
    """This will make the owner's database unless it is there, and let the portal's roles in, nobody else."""
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
    name = sql.Identifier(database)
    if cursor.fetchone() is None:
        cursor.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                name, sql.Identifier(OWNER_ROLE)
            )
        )
    cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    # TEMPORARY for the stage table through which probe rows are copied in.
    cursor.execute(
        sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, sql.Identifier(APP_ROLE))
    )
    cursor.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(name, sql.Identifier(PORTAL_ROLE)))


def set_default_privileges(superuser_dsn: str, database: str) -> None:
    """This will give the portal's roles what the owner makes from now on. A superuser's login, or the owner's."""
    connection = psycopg2.connect(superuser_dsn, dbname=database)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"GRANT USAGE ON SCHEMA public TO {PORTAL_ROLE}")
            scope = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} IN SCHEMA public"
            cursor.execute(f"{scope} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {PORTAL_ROLE}")
            cursor.execute(f"{scope} GRANT USAGE, SELECT ON SEQUENCES TO {PORTAL_ROLE}")
            # Functions are granted one by one, by the migration that creates them.
            cursor.execute(
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
            )
    finally:
        connection.close()

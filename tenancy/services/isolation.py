"""Does the isolation hold right now? Asked at start-up and by `/health`."""

from django.db.backends.base.base import BaseDatabaseWrapper

from tenancy.domain.row_security import CONTROL_ROLE, TENANT_ROLE

_LOGIN_SQL = """
    SELECT rolname, rolsuper, rolbypassrls,
           EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relowner = r.oid)
    FROM pg_roles r WHERE rolname = session_user
"""
# A tenant table is one that the tenant role may read and that has a tenant_id.
_TABLES_SQL = """
    SELECT c.relname
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND EXISTS (SELECT 1 FROM aclexplode(c.relacl) acl JOIN pg_roles g ON g.oid = acl.grantee
                  WHERE g.rolname IN (%s, %s))
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
    ORDER BY 1
"""


def isolation_faults(connection: BaseDatabaseWrapper) -> list[str]:
    """One sentence for each way in which tenants are not kept apart; empty when all is well. Two queries."""
    faults = []
    with connection.cursor() as cursor:
        cursor.execute(_LOGIN_SQL)
        name, superuser, bypasses, owns = cursor.fetchone()
        if superuser:
            faults.append(f"The application logs in as {name}, a superuser.")
        if bypasses:
            faults.append(f"The application logs in as {name}, which bypasses row level security.")
        if owns:
            faults.append(f"The application logs in as {name}, which owns tables.")
        cursor.execute(_TABLES_SQL, [TENANT_ROLE, CONTROL_ROLE])
        faults += [
            f"Tenant table {row[0]} is not under forced row level security." for row in cursor.fetchall()
        ]
    return faults

"""The SQL that puts a table of tenant data under row level security.

Two roles reach a tenant table, each by a policy of its own: `levqor_tenant` sees the rows of the tenant
that the transaction is bound to, `levqor_control` (the measuring plane) sees all. The login role
`levqor_app` has no privilege of its own on such a table, so a statement without a scope is refused by
PostgreSQL itself.
"""

TENANT_ROLE = "levqor_tenant"
CONTROL_ROLE = "levqor_control"
PORTAL_ROLE = "levqor_portal"
OWNER_ROLE = "levqor_owner"
APP_ROLE = "levqor_app"

# The sub-select makes PostgreSQL read the setting once per statement and not once per row.
CURRENT_TENANT_SQL = "(select nullif(current_setting('app.tenant_id', true), '')::uuid)"


def secure_table(table: str, *, tenant_grants: str = "SELECT, INSERT, UPDATE, DELETE") -> str:
    """SQL that takes `table` from the portal's common grants and puts it under forced row security."""
    return f"""
        REVOKE ALL ON {table} FROM {PORTAL_ROLE}, {APP_ROLE}, PUBLIC;
        GRANT {tenant_grants} ON {table} TO {TENANT_ROLE};
        GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {CONTROL_ROLE};
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        DROP POLICY IF EXISTS tenant_rows ON {table};
        CREATE POLICY tenant_rows ON {table} TO {TENANT_ROLE}
            USING (tenant_id = {CURRENT_TENANT_SQL}) WITH CHECK (tenant_id = {CURRENT_TENANT_SQL});
        DROP POLICY IF EXISTS control_rows ON {table};
        CREATE POLICY control_rows ON {table} TO {CONTROL_ROLE} USING (true) WITH CHECK (true);
    """


def release_table(table: str) -> str:
    """The reverse of `secure_table`, for backward migrations."""
    return f"""
        DROP POLICY IF EXISTS tenant_rows ON {table};
        DROP POLICY IF EXISTS control_rows ON {table};
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
    """

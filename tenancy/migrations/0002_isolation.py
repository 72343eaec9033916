"""Puts the audit chain behind its one function, and under row level security."""

from django.db import migrations

from tenancy.domain.row_security import release_table, secure_table

_APPEND = """
CREATE FUNCTION tenant_audit_append(p_tenant uuid, p_event text, p_actor text, p_metadata jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    v_seq bigint;
    v_prev text;
    v_at timestamptz := clock_timestamp();
BEGIN
    IF current_setting('role', true) NOT IN ('none', 'levqor_control')
       AND p_tenant IS DISTINCT FROM nullif(current_setting('app.tenant_id', true), '')::uuid THEN
        RAISE EXCEPTION 'a tenant may append to its own audit chain only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- One writer at a time for each chain: the next row needs the hash of the last.
    PERFORM 1 FROM tenants WHERE id = p_tenant FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such tenant' USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT seq, hash INTO v_seq, v_prev FROM tenant_audit WHERE tenant_id = p_tenant ORDER BY seq DESC LIMIT 1;
    v_seq := coalesce(v_seq, 0) + 1;
    v_prev := coalesce(v_prev, repeat('0', 64));
    INSERT INTO tenant_audit (tenant_id, seq, event, actor, metadata, at, prev_hash, hash)
    VALUES (p_tenant, v_seq, p_event, p_actor, p_metadata, v_at, v_prev,
            encode(sha256(convert_to(jsonb_build_array(
                v_prev, p_tenant, v_seq, p_event, p_actor, p_metadata,
                to_char(v_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text, 'UTF8')), 'hex'));
    RETURN v_seq;
END $$;
REVOKE ALL ON FUNCTION tenant_audit_append(uuid, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_audit_append(uuid, text, text, jsonb) TO levqor_portal;
"""


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0001_tables")]

    operations = [
        migrations.RunSQL(
            secure_table("tenant_audit", tenant_grants="SELECT")
            + "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON tenant_audit FROM levqor_control;",
            release_table("tenant_audit"),
        ),
        migrations.RunSQL(_APPEND, "DROP FUNCTION tenant_audit_append(uuid, text, text, jsonb);"),
    ]

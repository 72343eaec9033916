"""The log of observations: partitioned by day, append-only, rolled up by a statement trigger.

The partitions live in a schema that no role but the owner may use: a query that names a partition would
pass by the parent's row level security.
"""

from django.db import migrations

from tenancy.domain.row_security import release_table, secure_table

_LOG = """
CREATE SCHEMA health_partitions;
CREATE SEQUENCE system_health_log_id_seq;
CREATE TABLE system_health_log (
    id bigint NOT NULL DEFAULT nextval('system_health_log_id_seq'),
    tenant_id uuid NOT NULL DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid,
    endpoint_id bigint,
    source varchar(16) NOT NULL,
    ts timestamptz NOT NULL,
    ended_at timestamptz,
    status_code smallint,
    ok boolean NOT NULL,
    latency_ms double precision CHECK (latency_ms >= 0 AND latency_ms < 'Infinity'),
    error_class varchar(32) NOT NULL DEFAULT '',
    error text NOT NULL DEFAULT '',
    failed_assertion text NOT NULL DEFAULT '',
    frontend text NOT NULL DEFAULT '',
    backend text NOT NULL DEFAULT ''
) PARTITION BY RANGE (ts);
ALTER SEQUENCE system_health_log_id_seq OWNED BY system_health_log.id;
-- BRIN: rows arrive in the order of time, so a range of blocks is an index entry of a few bytes.
CREATE INDEX health_log_ts ON system_health_log USING brin (ts) WITH (pages_per_range = 32);
CREATE INDEX health_log_id ON system_health_log USING brin (id) WITH (pages_per_range = 32);
-- The board and the outage pages: an endpoint's failures.
CREATE INDEX health_log_failures ON system_health_log (endpoint_id, ts) WHERE NOT ok;
"""

_PARTITIONS = """
CREATE FUNCTION ensure_health_partitions(p_first date, p_last date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    v_day date;
    v_name text;
    v_made integer := 0;
BEGIN
    IF p_last - p_first > 3660 THEN
        RAISE EXCEPTION 'more than ten years of partitions asked for';
    END IF;
    PERFORM pg_advisory_xact_lock(1818588785);
    FOR v_day IN SELECT generate_series(p_first, p_last, interval '1 day')::date LOOP
        v_name := 'health_' || to_char(v_day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('health_partitions.' || v_name) IS NOT NULL;
        -- Made apart and attached: attaching does not stop those who read or write the other days.
        EXECUTE format('CREATE TABLE health_partitions.%I (LIKE public.system_health_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', v_name);
        EXECUTE format('ALTER TABLE public.system_health_log ATTACH PARTITION health_partitions.%I FOR VALUES FROM (%L) TO (%L)',
                       v_name, v_day::timestamp AT TIME ZONE 'UTC', (v_day + 1)::timestamp AT TIME ZONE 'UTC');
        v_made := v_made + 1;
    END LOOP;
    RETURN v_made;
END $$;

CREATE FUNCTION drop_health_partitions(p_before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    v_name text;
    v_dropped integer := 0;
BEGIN
    IF p_before > current_date - 7 THEN
        RAISE EXCEPTION 'the last seven days are never dropped';
    END IF;
    FOR v_name IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = 'health_partitions' AND c.relkind = 'r'
                    AND c.relname ~ '^health_[0-9]{8}$' AND c.relname < 'health_' || to_char(p_before, 'YYYYMMDD') LOOP
        EXECUTE format('DROP TABLE health_partitions.%I', v_name);
        v_dropped := v_dropped + 1;
    END LOOP;
    RETURN v_dropped;
END $$;
REVOKE ALL ON FUNCTION ensure_health_partitions(date, date), drop_health_partitions(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_health_partitions(date, date) TO levqor_control, levqor_tenant;
GRANT EXECUTE ON FUNCTION drop_health_partitions(date) TO levqor_control;
"""

_COUNTS = """
    tenant_id uuid NOT NULL,
    endpoint_key bigint NOT NULL,
    source varchar(16) NOT NULL,
    at timestamptz NOT NULL,
    total integer NOT NULL,
    bad integer NOT NULL,
    server_errors integer NOT NULL,
    latency_sum_ms double precision NOT NULL,
    latency_count integer NOT NULL,
    PRIMARY KEY (endpoint_key, source, tenant_id, at)
"""

_ROLLUPS = f"""
CREATE TABLE health_minutes ({_COUNTS}) WITH (fillfactor = 70);
CREATE TABLE health_hours ({_COUNTS}) WITH (fillfactor = 70);
CREATE INDEX health_minutes_at ON health_minutes USING brin (at) WITH (pages_per_range = 16);
CREATE INDEX health_hours_at ON health_hours (at);
CREATE TABLE health_latencies (
    tenant_id uuid NOT NULL,
    endpoint_key bigint NOT NULL,
    at timestamptz NOT NULL,
    bucket smallint NOT NULL,
    n integer NOT NULL,
    PRIMARY KEY (endpoint_key, tenant_id, at, bucket)
) WITH (fillfactor = 70);
CREATE INDEX health_latencies_at ON health_latencies (at);
"""


def _upsert(table, unit):
    # Sorted, so that two batches lock the rows they share in one order.
    return f"""
    INSERT INTO {table} AS r
    SELECT tenant_id, coalesce(endpoint_id, 0), source, date_trunc('{unit}', ts, 'UTC'), count(*),
           count(*) FILTER (WHERE NOT ok), count(*) FILTER (WHERE status_code >= 500),
           coalesce(sum(latency_ms) FILTER (WHERE status_code > 0), 0),
           count(latency_ms) FILTER (WHERE status_code > 0)
    FROM added GROUP BY 1, 2, 3, 4 ORDER BY 2, 3, 1, 4
    ON CONFLICT (endpoint_key, source, tenant_id, at) DO UPDATE SET
        total = r.total + excluded.total, bad = r.bad + excluded.bad,
        server_errors = r.server_errors + excluded.server_errors,
        latency_sum_ms = r.latency_sum_ms + excluded.latency_sum_ms,
        latency_count = r.latency_count + excluded.latency_count;
    """


_TRIGGER = f"""
CREATE FUNCTION health_log_roll_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {_upsert("health_minutes", "minute")}
    {_upsert("health_hours", "hour")}
    INSERT INTO health_latencies AS r
    SELECT tenant_id, coalesce(endpoint_id, 0), date_trunc('hour', ts, 'UTC'), latency_bucket(latency_ms), count(*)
    FROM added WHERE status_code > 0 AND latency_ms IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 2, 1, 3, 4
    ON CONFLICT (endpoint_key, tenant_id, at, bucket) DO UPDATE SET n = r.n + excluded.n;
    RETURN NULL;
END $$;
CREATE TRIGGER health_log_rolled_up AFTER INSERT ON system_health_log
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION health_log_roll_up();
"""

# The formula of domain.histogram.bucket_of; a test compares the two over the whole range.
_BUCKET = """
CREATE FUNCTION latency_bucket(p_ms double precision) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (CASE WHEN p_ms < 0.1 THEN -1 ELSE least(floor(ln(p_ms / 0.1) / ln(1.01::float8)), 1407) END)::smallint
$$;
GRANT EXECUTE ON FUNCTION latency_bucket(double precision) TO levqor_portal;
"""

_TABLES = ("system_health_log", "health_minutes", "health_hours", "health_latencies")


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_tables"), ("tenancy", "0002_isolation")]

    operations = [
        migrations.RunSQL(_LOG, "DROP TABLE system_health_log; DROP SCHEMA health_partitions CASCADE;"),
        migrations.RunSQL(
            _PARTITIONS,
            "DROP FUNCTION ensure_health_partitions(date, date); DROP FUNCTION drop_health_partitions(date);",
        ),
        migrations.RunSQL(_ROLLUPS, "DROP TABLE health_minutes, health_hours, health_latencies;"),
        migrations.RunSQL(_BUCKET, "DROP FUNCTION latency_bucket(double precision);"),
        migrations.RunSQL(
            _TRIGGER,
            "DROP TRIGGER health_log_rolled_up ON system_health_log; DROP FUNCTION health_log_roll_up();",
        ),
        *[
            # Append-only: nobody but the owner changes or deletes an observation.
            migrations.RunSQL(
                secure_table(
                    table, tenant_grants="SELECT, INSERT" if table == _TABLES[0] else "SELECT, INSERT, UPDATE"
                )
                + f"REVOKE DELETE{', UPDATE' if table == _TABLES[0] else ''} ON {table} FROM levqor_control;",
                release_table(table),
            )
            for table in _TABLES
        ],
    ]

"""Makes the newest rows of the log quick to find, and counts the latencies that programs report."""

from django.db import migrations

# Without autosummarize every row since the last vacuum counts as "may match" and is read.
_BRIN = """
DROP INDEX health_log_ts;
CREATE INDEX health_log_ts ON system_health_log USING brin (ts) WITH (pages_per_range = 32, autosummarize = on);
ALTER INDEX health_minutes_at SET (autosummarize = on);
"""
_BRIN_BEFORE = """
DROP INDEX health_log_ts;
CREATE INDEX health_log_ts ON system_health_log USING brin (ts) WITH (pages_per_range = 32);
ALTER INDEX health_minutes_at RESET (autosummarize);
"""

# In which hours did this tenant have observations?
_HOURS = "CREATE INDEX health_hours_tenant ON health_hours (tenant_id, at DESC);"


def _function(answered):
    def upsert(table, unit):
        return f"""
    INSERT INTO {table} AS r
    SELECT tenant_id, coalesce(endpoint_id, 0), source, date_trunc('{unit}', ts, 'UTC'), count(*),
           count(*) FILTER (WHERE NOT ok), count(*) FILTER (WHERE status_code >= 500),
           coalesce(sum(latency_ms) FILTER (WHERE {answered}), 0),
           count(latency_ms) FILTER (WHERE {answered})
    FROM added GROUP BY 1, 2, 3, 4 ORDER BY 2, 3, 1, 4
    ON CONFLICT (endpoint_key, source, tenant_id, at) DO UPDATE SET
        total = r.total + excluded.total, bad = r.bad + excluded.bad,
        server_errors = r.server_errors + excluded.server_errors,
        latency_sum_ms = r.latency_sum_ms + excluded.latency_sum_ms,
        latency_count = r.latency_count + excluded.latency_count;
    """

    return f"""
CREATE OR REPLACE FUNCTION health_log_roll_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {upsert("health_minutes", "minute")}
    {upsert("health_hours", "hour")}
    INSERT INTO health_latencies AS r
    SELECT tenant_id, coalesce(endpoint_id, 0), date_trunc('hour', ts, 'UTC'), latency_bucket(latency_ms), count(*)
    FROM added WHERE {answered} AND latency_ms IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 2, 1, 3, 4
    ON CONFLICT (endpoint_key, tenant_id, at, bucket) DO UPDATE SET n = r.n + excluded.n;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0003_fixed_costs")]

    operations = [
        migrations.RunSQL(_BRIN, _BRIN_BEFORE),
        migrations.RunSQL(_HOURS, "DROP INDEX health_hours_tenant;"),
        # 0 = asked and not answered. No status at all = told by a program, whose latency is a measurement too.
        migrations.RunSQL(_function("status_code IS DISTINCT FROM 0"), _function("status_code > 0")),
    ]

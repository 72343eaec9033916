"""Stored verdicts as a chain that the database itself keeps, and the history of burn-ins."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

# The next link must continue the chain and have the hash of its record. An owner could switch this off:
# the hashes, and the heads that people keep, would tell.
_CHAIN = """
CREATE FUNCTION verdict_continues_chain() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    v_number bigint;
    v_hash text;
BEGIN
    PERFORM pg_advisory_xact_lock(1986359923);
    SELECT number, hash INTO v_number, v_hash FROM verdicts ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(v_number, 0) + 1 OR NEW.previous_hash <> coalesce(v_hash, repeat('0', 64)) THEN
        RAISE EXCEPTION 'verdict % does not continue the chain, which ends with %', NEW.number, coalesce(v_number, 0)
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.hash <> encode(sha256(convert_to(NEW.record, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'the hash of verdict % is not that of its record', NEW.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER verdict_continues_chain BEFORE INSERT ON verdicts
    FOR EACH ROW EXECUTE FUNCTION verdict_continues_chain();
"""

_IMMUTABLE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


def _frozen(table):
    return (
        f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();"
        f" REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM levqor_portal, levqor_app, levqor_tenant, levqor_control;"
    )


_TABLES = ("verdicts", "verdict_rows", "burn_in_changes")

# Which days does the log still hold? The partitions' schema is closed to the application.
_LOG_DAYS = """
CREATE FUNCTION health_log_days() RETURNS date[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT array_agg(to_date(substr(c.relname, 8), 'YYYYMMDD') ORDER BY c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'health_partitions' AND c.relkind = 'r' AND c.relname ~ '^health_[0-9]{8}$'
$$;
REVOKE ALL ON FUNCTION health_log_days() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION health_log_days() TO levqor_control;
"""

# A burn-in that was there before this table: as it stands, from its beginning.
_HISTORY = """
INSERT INTO burn_in_changes (burn_in_id, at, kind, actor, note, starts_at, ends_at, review_at, policy_id, state)
SELECT id, starts_at, 'started', 'migration', '', starts_at, ends_at, review_at, policy_id, state FROM burn_ins;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0006_job_schedule"),
    ]

    operations = [
        migrations.CreateModel(
            name="Verdict",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                (
                    "occasion",
                    models.CharField(
                        choices=[
                            ("daily", "daily"),
                            ("checkpoint", "checkpoint"),
                            ("review", "review"),
                            ("change", "change"),
                            ("command", "command"),
                        ],
                        max_length=16,
                    ),
                ),
                ("burn_in", models.CharField(blank=True, default="", max_length=100, verbose_name="burn-in")),
                ("judged_at", models.DateTimeField()),
                ("stored_at", models.DateTimeField()),
                ("stored_by", models.CharField(max_length=150)),
                ("window_start", models.DateTimeField()),
                ("window_end", models.DateTimeField()),
                ("decision", models.CharField(choices=[("GO", "GO"), ("NO-GO", "NO-GO")], max_length=8)),
                ("conclusive", models.BooleanField()),
                ("within", models.PositiveSmallIntegerField()),
                ("proven", models.PositiveSmallIntegerField()),
                ("policy_version", models.PositiveIntegerField()),
                ("code_version", models.CharField(max_length=100)),
                ("record", models.TextField()),
                ("hash", models.CharField(max_length=64, unique=True, verbose_name="SHA-256")),
                ("previous_hash", models.CharField(max_length=64, unique=True)),
            ],
            options={
                "db_table": "verdicts",
                "permissions": [
                    ("replay_verdict", "Can replay verdicts and judge under other limits"),
                    ("export_evidence", "Can download the evidence of a verdict"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.AlterField(
            model_name="costentry",
            name="created_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AlterField(
            model_name="gatepolicy",
            name="created_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AlterField(
            model_name="incident",
            name="created_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.CreateModel(
            name="BurnInChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("planned", "planned"),
                            ("started", "started"),
                            ("extended", "extended"),
                            ("policy", "policy"),
                            ("reviewed", "reviewed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("actor", models.CharField(max_length=150)),
                ("note", models.TextField(blank=True, default="")),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("review_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "planned"),
                            ("running", "running"),
                            ("extended", "extended"),
                            ("reviewed", "reviewed"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "burn_in",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="monitoring.burnin",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="monitoring.gatepolicy",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of a burn-in",
                "verbose_name_plural": "changes of burn-ins",
                "db_table": "burn_in_changes",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="VerdictRows",
            fields=[
                (
                    "verdict",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="evidence_rows",
                        serialize=False,
                        to="monitoring.verdict",
                    ),
                ),
                ("row_count", models.PositiveIntegerField()),
                ("packed", models.BinaryField()),
            ],
            options={
                "db_table": "verdict_rows",
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="verdict",
            index=models.Index(fields=["occasion", "-judged_at"], name="verdict_by_occasion"),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)), name="verdict_number_from_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("number", 1),
                        ("previous_hash", "0000000000000000000000000000000000000000000000000000000000000000"),
                    ),
                    models.Q(
                        ("number__gt", 1),
                        models.Q(
                            (
                                "previous_hash",
                                "0000000000000000000000000000000000000000000000000000000000000000",
                            ),
                            _negated=True,
                        ),
                    ),
                    _connector="OR",
                ),
                name="verdict_first_has_no_previous",
            ),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.CheckConstraint(
                condition=models.Q(("occasion__in", ["daily", "checkpoint", "review", "change", "command"])),
                name="verdict_occasion_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision", "GO"), _negated=True),
                    models.Q(("conclusive", True), ("proven", 5), ("within", 5)),
                    _connector="OR",
                ),
                name="verdict_go_is_proven",
            ),
        ),
        migrations.AddIndex(
            model_name="burninchange",
            index=models.Index(fields=["at"], name="burn_in_change_by_time"),
        ),
        migrations.RunSQL(_HISTORY, migrations.RunSQL.noop),
        migrations.RunSQL(
            _CHAIN,
            "DROP TRIGGER verdict_continues_chain ON verdicts; DROP FUNCTION verdict_continues_chain();",
        ),
        migrations.RunSQL(_LOG_DAYS, "DROP FUNCTION health_log_days();"),
        migrations.RunSQL(_IMMUTABLE, "DROP FUNCTION refuse_change() CASCADE;"),
        *[migrations.RunSQL(_frozen(table), migrations.RunSQL.noop) for table in _TABLES],
    ]

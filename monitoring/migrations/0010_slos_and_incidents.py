"""SLOs with their evaluations, and incidents with time lines, outages and alerts."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

# A time line tells what was known when, so that an old judgement can be told again: nobody edits it.
_APPEND_ONLY = """
CREATE FUNCTION incident_entries_are_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    RAISE EXCEPTION 'an incident''s time line is append-only: write a further entry'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER incident_entries_are_kept BEFORE UPDATE OR DELETE ON incident_entries
    FOR EACH ROW EXECUTE FUNCTION incident_entries_are_kept();
"""
_UNDO = """
DROP TRIGGER incident_entries_are_kept ON incident_entries;
DROP FUNCTION incident_entries_are_kept();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0009_routine"),
    ]

    operations = [
        migrations.CreateModel(
            name="SloEvaluation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("objective", models.DecimalField(decimal_places=8, max_digits=9)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("sli", models.FloatField(null=True)),
                ("budget_s", models.FloatField(null=True)),
                ("remaining_s", models.FloatField(null=True)),
                ("coverage", models.FloatField()),
                (
                    "standing",
                    models.CharField(
                        choices=[
                            ("healthy", "healthy"),
                            ("at_risk", "at_risk"),
                            ("exhausted", "exhausted"),
                            ("no_data", "no_data"),
                        ],
                        max_length=16,
                    ),
                ),
                ("rates", models.JSONField(default=dict)),
                ("burn", models.FloatField(null=True)),
                ("no_data", models.BooleanField(default=False)),
                ("silence_s", models.FloatField(null=True)),
                ("breach", models.BooleanField(null=True)),
                ("breaches", models.PositiveIntegerField(default=0)),
                ("samples", models.BigIntegerField(default=0)),
                ("sentence", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "SLO evaluation",
                "db_table": "slo_evaluations",
            },
        ),
        migrations.AddField(
            model_name="alertrule",
            name="opens_incident",
            field=models.BooleanField(
                default=False,
                help_text="Each alert of this rule becomes an incident of its severity. A P1 decides a gate.",
                verbose_name="opens an incident",
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="acknowledge_by",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="incident",
            name="acknowledged_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="incident",
            name="acknowledged_by",
            field=models.CharField(blank=True, default="", editable=False, max_length=150),
        ),
        migrations.AddField(
            model_name="incident",
            name="action_items",
            field=models.TextField(blank=True, default="", help_text="One a line: what, who, until when."),
        ),
        migrations.AddField(
            model_name="incident",
            name="alerts",
            field=models.ManyToManyField(
                blank=True, editable=False, related_name="incidents", to="monitoring.alertepisode"
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="ended_written_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="incident",
            name="impact",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="incident",
            name="resolution",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="incident",
            name="root_cause",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.CreateModel(
            name="IncidentEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opened", "opened"),
                            ("updated", "updated"),
                            ("acknowledged", "acknowledged"),
                            ("reclassified", "reclassified"),
                            ("linked", "linked"),
                            ("post_mortem", "post-mortem written"),
                            ("resolved", "resolved"),
                            ("reopened", "reopened"),
                        ],
                        max_length=16,
                    ),
                ),
                ("written_at", models.DateTimeField()),
                ("effective_at", models.DateTimeField()),
                ("actor", models.CharField(max_length=150)),
                ("text", models.TextField(blank=True, default="")),
                (
                    "severity",
                    models.CharField(
                        blank=True,
                        choices=[("P1", "P1"), ("P2", "P2"), ("P3", "P3"), ("P4", "P4")],
                        default="",
                        max_length=2,
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="monitoring.incident",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "incident entries",
                "db_table": "incident_entries",
            },
        ),
        migrations.CreateModel(
            name="IncidentOutage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("end_noted_at", models.DateTimeField(null=True)),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outage_links",
                        to="monitoring.incident",
                    ),
                ),
                (
                    "outage",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="incident_link",
                        to="monitoring.outage",
                    ),
                ),
            ],
            options={
                "db_table": "incident_outages",
            },
        ),
        migrations.CreateModel(
            name="Slo",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=63,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
                                "Use lower-case letters, digits and dashes, and begin and end with a letter or digit.",
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(blank=True, default="", max_length=100)),
                ("description", models.CharField(blank=True, default="", max_length=1050)),
                (
                    "sli",
                    models.CharField(
                        choices=[
                            ("availability", "availability"),
                            ("error_rate", "error rate"),
                            ("latency", "latency"),
                        ],
                        max_length=16,
                        verbose_name="measures",
                    ),
                ),
                ("objective", models.DecimalField(decimal_places=8, max_digits=9)),
                (
                    "threshold_ms",
                    models.FloatField(
                        blank=True,
                        help_text="Latency only: an answer counts as good when it takes no longer than this.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="threshold (ms)",
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[
                            ("7d", "7 days, rolling"),
                            ("28d", "28 days, rolling"),
                            ("30d", "30 days, rolling"),
                            ("month", "calendar month"),
                        ],
                        default="7d",
                        help_text="The time over which the objective must hold.",
                        max_length=8,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "recovers",
                    models.CharField(
                        blank=True,
                        default="platform",
                        help_text="The subsystem to recover when it is breached three times in a row. Empty: none.",
                        max_length=100,
                        verbose_name="recovers",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "endpoints",
                    models.ManyToManyField(
                        blank=True,
                        help_text="None chosen: all critical endpoints.",
                        related_name="slos",
                        to="monitoring.endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "SLO",
                "verbose_name_plural": "SLOs",
                "db_table": "slos",
            },
        ),
        migrations.CreateModel(
            name="RecoveryProposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subsystem", models.CharField(max_length=100)),
                ("reason", models.TextField()),
                ("proposed_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("answer", models.CharField(blank=True, default="", max_length=500)),
                (
                    "incident",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="proposals",
                        to="monitoring.incident",
                    ),
                ),
                (
                    "slo",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="proposals",
                        to="monitoring.slo",
                    ),
                ),
            ],
            options={
                "db_table": "recovery_proposals",
            },
        ),
        migrations.AddField(
            model_name="incident",
            name="slo",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="incidents",
                to="monitoring.slo",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resolved_at__isnull", True)),
                fields=("slo",),
                name="incident_open_once_by_slo",
            ),
        ),
        migrations.AddField(
            model_name="sloevaluation",
            name="slo",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="evaluations", to="monitoring.slo"
            ),
        ),
        migrations.AddIndex(
            model_name="incidententry",
            index=models.Index(fields=["incident", "written_at", "id"], name="incident_entry_in_order"),
        ),
        migrations.AddConstraint(
            model_name="incidententry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["opened", "reclassified"]), _negated=True),
                    models.Q(("severity", ""), _negated=True),
                    _connector="OR",
                ),
                name="incident_entry_says_severity",
            ),
        ),
        migrations.AddConstraint(
            model_name="slo",
            constraint=models.CheckConstraint(
                condition=models.Q(("objective__gt", 0), ("objective__lt", 1)),
                name="slo_objective_is_a_ratio",
            ),
        ),
        migrations.AddConstraint(
            model_name="slo",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("sli", "latency"), ("threshold_ms__gt", 0)),
                    models.Q(models.Q(("sli", "latency"), _negated=True), ("threshold_ms__isnull", True)),
                    _connector="OR",
                ),
                name="slo_threshold_of_latency",
            ),
        ),
        migrations.AddIndex(
            model_name="recoveryproposal",
            index=models.Index(
                condition=models.Q(("answered_at__isnull", True)),
                fields=["proposed_at"],
                name="recovery_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="recoveryproposal",
            constraint=models.UniqueConstraint(fields=("slo", "proposed_at"), name="recovery_proposed_once"),
        ),
        migrations.AddConstraint(
            model_name="sloevaluation",
            constraint=models.UniqueConstraint(fields=("slo", "at"), name="slo_evaluation_once"),
        ),
        migrations.RunSQL(_APPEND_ONLY, _UNDO),
    ]

"""The routine's tables: ops log, checkpoints, reviews with their blockers and waivers; written once, never changed."""

import django.db.models.deletion
from django.db import migrations, models


def _frozen(table):
    return (
        f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();"
        f" REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM levqor_portal, levqor_app, levqor_tenant, levqor_control;"
    )


_TABLES = ("ops_log", "checkpoints", "reviews", "blockers", "waivers")


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0007_verdicts"),
        ("monitoring", "0008_seeded_alert_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("taken_at", models.DateTimeField()),
                ("taken_by", models.CharField(max_length=150)),
                ("scheduled_for", models.DateTimeField(blank=True, null=True)),
                ("figures", models.JSONField()),
                ("notes", models.TextField(blank=True, default="")),
                (
                    "burn_in",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="checkpoints",
                        to="monitoring.burnin",
                        verbose_name="burn-in",
                    ),
                ),
                (
                    "verdict",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="monitoring.verdict"
                    ),
                ),
            ],
            options={
                "db_table": "checkpoints",
                "permissions": [("take_checkpoint", "Can take a checkpoint")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="OpsLogEntry",
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
                            ("daily", "daily"),
                            ("amendment", "amendment"),
                            ("checkpoint", "checkpoint"),
                            ("review", "review"),
                            ("heal", "heal"),
                            ("published", "published"),
                            ("note", "note"),
                        ],
                        max_length=16,
                    ),
                ),
                ("subsystem", models.CharField(blank=True, default="", max_length=64)),
                ("actor", models.CharField(max_length=150)),
                ("text", models.TextField()),
                ("data", models.JSONField(blank=True, default=dict)),
                ("day", models.DateField(blank=True, null=True, verbose_name="UTC day")),
                (
                    "amends",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="amendments",
                        to="monitoring.opslogentry",
                    ),
                ),
            ],
            options={
                "verbose_name": "ops log entry",
                "verbose_name_plural": "ops log entries",
                "db_table": "ops_log",
                "permissions": [("record_daily_check", "Can record and amend the daily check")],
                "default_permissions": ("view", "add"),
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("decision", models.CharField(choices=[("GO", "GO"), ("NO-GO", "NO-GO")], max_length=8)),
                ("signed_at", models.DateTimeField()),
                ("signed_by", models.CharField(max_length=150)),
                ("signed_through", models.CharField(max_length=32)),
                ("note", models.TextField(blank=True, default="")),
                ("plan", models.TextField(blank=True, default="", verbose_name="remediation plan")),
                ("plan_owner", models.CharField(blank=True, default="", max_length=150)),
                ("plan_due_date", models.DateField(blank=True, null=True)),
                ("extension_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("next_review_at", models.DateTimeField(blank=True, null=True)),
                (
                    "burn_in",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to="monitoring.burnin",
                        verbose_name="burn-in",
                    ),
                ),
                (
                    "supersedes",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="superseded_by",
                        to="monitoring.review",
                    ),
                ),
                (
                    "verdict",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="monitoring.verdict",
                        verbose_name="computed verdict",
                    ),
                ),
            ],
            options={
                "db_table": "reviews",
                "permissions": [("sign_review", "Can sign Go/No-Go reviews and waivers")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Blocker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", models.CharField(max_length=64)),
                ("text", models.TextField()),
                (
                    "checkpoint",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blockers",
                        to="monitoring.checkpoint",
                    ),
                ),
                (
                    "review",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blockers",
                        to="monitoring.review",
                    ),
                ),
            ],
            options={
                "db_table": "blockers",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Waiver",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", models.CharField(max_length=64)),
                ("reason", models.TextField()),
                ("expires_at", models.DateTimeField()),
                ("signed_by", models.CharField(max_length=150)),
                ("second_person", models.CharField(max_length=150)),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waivers",
                        to="monitoring.review",
                    ),
                ),
            ],
            options={
                "db_table": "waivers",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddConstraint(
            model_name="checkpoint",
            constraint=models.UniqueConstraint(
                fields=("burn_in", "scheduled_for"), name="checkpoint_once_when_due"
            ),
        ),
        migrations.AddIndex(
            model_name="opslogentry",
            index=models.Index(fields=["kind", "at"], name="ops_log_by_kind"),
        ),
        migrations.AddIndex(
            model_name="opslogentry",
            index=models.Index(fields=["-at", "-id"], name="ops_log_newest"),
        ),
        migrations.AddConstraint(
            model_name="opslogentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "daily")), fields=("day",), name="ops_log_one_daily_check"
            ),
        ),
        migrations.AddConstraint(
            model_name="opslogentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("day__isnull", False), ("kind", "daily")),
                    models.Q(models.Q(("kind", "daily"), _negated=True), ("day__isnull", True)),
                    _connector="OR",
                ),
                name="ops_log_daily_check_has_its_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="opslogentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amends__isnull", False), ("kind", "amendment")),
                    models.Q(models.Q(("kind", "amendment"), _negated=True), ("amends__isnull", True)),
                    _connector="OR",
                ),
                name="ops_log_amendment_says_of_what",
            ),
        ),
        migrations.AddConstraint(
            model_name="opslogentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["daily", "amendment", "checkpoint", "review", "heal", "published", "note"])
                ),
                name="ops_log_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.UniqueConstraint(
                condition=models.Q(("supersedes__isnull", True)), fields=("burn_in",), name="review_one_first"
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decision", "GO"),
                    models.Q(
                        ("extension_days__gte", 1),
                        ("next_review_at__isnull", False),
                        ("plan_due_date__isnull", False),
                        models.Q(("plan", ""), _negated=True),
                        models.Q(("plan_owner", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="review_no_go_has_a_plan",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", ["GO", "NO-GO"])), name="review_decision_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="blocker",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("checkpoint__isnull", True), ("review__isnull", False)),
                    models.Q(("checkpoint__isnull", False), ("review__isnull", True)),
                    _connector="OR",
                ),
                name="blocker_of_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.UniqueConstraint(fields=("review", "subject"), name="waiver_once"),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("second_person", ""), _negated=True),
                    models.Q(("second_person", models.F("signed_by")), _negated=True),
                ),
                name="waiver_by_two_people",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="waiver_has_a_reason"
            ),
        ),
        *[migrations.RunSQL(_frozen(table), migrations.RunSQL.noop) for table in _TABLES],
    ]

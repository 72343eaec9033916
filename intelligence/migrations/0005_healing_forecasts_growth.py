"""Healing rules and states, standing recommendations, forecasts by day, growth aggregates, series' memories."""

import django.db.models.deletion
from django.db import migrations, models

import tenancy.models.owned
import tenancy.models.tenants
from tenancy.domain.row_security import release_table, secure_table


class Migration(migrations.Migration):
    dependencies = [
        ("intelligence", "0004_alert_actions"),
        ("intelligence", "0004_growth_events"),
        ("tenancy", "0003_core_tenant"),
    ]

    operations = [
        migrations.CreateModel(
            name="AnalyticsAggregate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tenancy.models.tenants.Uuid7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField(verbose_name="UTC day")),
                ("dau", models.PositiveIntegerField(null=True, verbose_name="daily active users")),
                ("wau", models.PositiveIntegerField(null=True, verbose_name="weekly active users")),
                ("mau", models.PositiveIntegerField(null=True, verbose_name="monthly active users")),
                ("recorded_days", models.PositiveSmallIntegerField(default=0)),
                ("computed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "day of active users",
                "verbose_name_plural": "days of active users",
                "db_table": "analytics_aggregates",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="HealRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "trigger",
                    models.CharField(choices=[("anomaly", "anomaly"), ("alert", "alert")], max_length=8),
                ),
                (
                    "series_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("latency", "latency"),
                            ("error_rate", "error_rate"),
                            ("traffic", "traffic"),
                            ("availability", "availability"),
                            ("queue_depth", "queue_depth"),
                            ("cost", "cost"),
                            ("revenue", "revenue"),
                            ("sign_ups", "sign_ups"),
                        ],
                        default="",
                        help_text="Of anomalies. Empty: every kind of series.",
                        max_length=16,
                    ),
                ),
                (
                    "component",
                    models.CharField(
                        blank=True, default="", help_text="Empty: every component.", max_length=100
                    ),
                ),
                (
                    "least_severity",
                    models.CharField(
                        choices=[("P1", "P1"), ("P2", "P2"), ("P3", "P3"), ("P4", "P4")],
                        default="P3",
                        max_length=2,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("webhook", "webhook"),
                            ("celery", "celery"),
                            ("command", "command"),
                            ("notify", "notify"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="webhook: its URL. celery: restart_workers. command: a name from HEAL_COMMANDS.",
                        max_length=2000,
                    ),
                ),
                (
                    "destructive",
                    models.BooleanField(default=False, help_text="Needs a person's approval every time."),
                ),
                (
                    "dry_run",
                    models.BooleanField(default=True, help_text="Says what it would do, and does not do it."),
                ),
                ("verify_after_minutes", models.PositiveSmallIntegerField(default=15)),
            ],
            options={
                "verbose_name": "healing rule",
                "db_table": "heal_rules",
            },
        ),
        migrations.CreateModel(
            name="RecommendationBatch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tenancy.models.tenants.Uuid7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("ts", models.DateTimeField()),
                ("recommendations", models.JSONField(default=list)),
                ("risk_score", models.PositiveSmallIntegerField()),
                ("risk_level", models.CharField(max_length=8)),
                ("deductions", models.JSONField(default=list)),
            ],
            options={
                "verbose_name": "recommendation batch",
                "verbose_name_plural": "recommendation batches",
                "db_table": "recommendation_batches",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ReferralRetention",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tenancy.models.tenants.Uuid7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField(verbose_name="UTC day")),
                ("source", models.CharField(max_length=100)),
                ("dau", models.PositiveIntegerField(verbose_name="daily active users")),
                ("wau", models.PositiveIntegerField(verbose_name="weekly active users")),
                ("mau", models.PositiveIntegerField(verbose_name="monthly active users")),
                ("paid", models.PositiveIntegerField(verbose_name="paying users")),
                ("visits", models.PositiveIntegerField()),
                ("signups", models.PositiveIntegerField(verbose_name="sign-ups")),
                ("revenue_cents", models.BigIntegerField()),
                ("computed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "day of a source",
                "verbose_name_plural": "days of sources",
                "db_table": "referral_retention",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ScalingCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(unique=True)),
                (
                    "choice",
                    models.CharField(
                        choices=[("up", "up"), ("down", "down"), ("freeze", "freeze"), ("hold", "hold")],
                        max_length=8,
                    ),
                ),
                ("workers", models.PositiveSmallIntegerField()),
                ("target", models.PositiveSmallIntegerField()),
                ("reasons", models.JSONField()),
                ("p95_ms", models.FloatField(null=True, verbose_name="P95 latency, ms")),
                ("queue_depth", models.PositiveIntegerField(null=True)),
                ("spend_24h", models.DecimalField(decimal_places=4, max_digits=12, null=True)),
                ("margin", models.FloatField(null=True)),
                ("executed", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "scaling check",
                "db_table": "scaling_checks",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="SeriesForecast",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tenancy.models.tenants.Uuid7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("revenue", "revenue"),
                            ("cost", "cost"),
                            ("sign_ups", "sign ups"),
                            ("active_users", "active users"),
                            ("churn", "churn"),
                        ],
                        max_length=16,
                    ),
                ),
                ("ts", models.DateTimeField()),
                ("starts_on", models.DateField()),
                ("horizon_days", models.PositiveSmallIntegerField()),
                ("predicted", models.FloatField(blank=True, null=True)),
                ("low", models.FloatField(blank=True, null=True)),
                ("high", models.FloatField(blank=True, null=True)),
                ("path", models.JSONField(default=list)),
                ("method", models.CharField(max_length=32)),
                ("data_points", models.PositiveIntegerField()),
                ("confidence", models.FloatField()),
                ("backtest_error", models.FloatField(blank=True, null=True)),
                ("explanation", models.TextField()),
                ("actual", models.FloatField(blank=True, null=True)),
                ("scored_at", models.DateTimeField(blank=True, null=True)),
                ("within", models.BooleanField(blank=True, null=True, verbose_name="within the interval")),
            ],
            options={
                "verbose_name": "forecast by day",
                "verbose_name_plural": "forecasts by day",
                "db_table": "series_forecasts",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="SeriesMemory",
            fields=[
                ("series", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("last_at", models.DateTimeField()),
                ("packed", models.BinaryField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "db_table": "series_memories",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SeriesSample",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("series", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
                ("value", models.FloatField()),
            ],
            options={
                "db_table": "series_samples",
                "default_permissions": (),
            },
        ),
        migrations.AlterModelOptions(
            name="intelaction",
            options={
                "permissions": [("approve_action", "Can approve an action that heals")],
                "verbose_name": "action",
            },
        ),
        migrations.AddField(
            model_name="intelaction",
            name="approved_by",
            field=models.CharField(blank=True, default="", max_length=150),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="began_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="cause",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="destructive",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="dry_run_result",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="ended_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="event",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="actions",
                to="intelligence.intelevent",
            ),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="heals_alert",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="is_dry_run",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("webhook", "webhook"),
                    ("celery", "celery"),
                    ("command", "command"),
                    ("notify", "notify"),
                ],
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="recovered",
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="state",
            field=models.CharField(
                blank=True,
                choices=[
                    ("proposed", "proposed"),
                    ("approved", "approved"),
                    ("executing", "executing"),
                    ("succeeded", "succeeded"),
                    ("failed", "failed"),
                    ("skipped", "skipped"),
                ],
                default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="verification",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="verified_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="verify_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="why",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="intelevent",
            name="series",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
        migrations.AddField(
            model_name="intelrecommendation",
            name="first_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="intelrecommendation",
            name="key",
            field=models.CharField(blank=True, default="", max_length=150),
        ),
        migrations.AddConstraint(
            model_name="intelevent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("series", ""), _negated=True),
                fields=("series", "ts"),
                name="intel_event_sample_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="intelrecommendation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open"), models.Q(("key", ""), _negated=True)),
                fields=("tenant", "key"),
                name="intel_recommendation_stands_once",
            ),
        ),
        migrations.AddField(
            model_name="analyticsaggregate",
            name="tenant",
            field=models.ForeignKey(
                db_default=tenancy.models.owned.CurrentTenant(),
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.tenant",
            ),
        ),
        migrations.AddField(
            model_name="intelaction",
            name="rule",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="intelligence.healrule",
            ),
        ),
        migrations.AddIndex(
            model_name="intelaction",
            index=models.Index(
                condition=models.Q(("verified_at__isnull", True), ("verify_at__isnull", False)),
                fields=["verify_at"],
                name="intel_action_to_verify",
            ),
        ),
        migrations.AddConstraint(
            model_name="intelaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("event__isnull", False)),
                fields=("rule", "event"),
                name="intel_action_event_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="intelaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("heals_alert__isnull", False)),
                fields=("rule", "heals_alert"),
                name="intel_action_heals_alert_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="intelaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "executing")),
                fields=("subsystem",),
                name="intel_action_one_at_a_time",
            ),
        ),
        migrations.AddField(
            model_name="recommendationbatch",
            name="tenant",
            field=models.ForeignKey(
                db_default=tenancy.models.owned.CurrentTenant(),
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.tenant",
            ),
        ),
        migrations.AddField(
            model_name="referralretention",
            name="tenant",
            field=models.ForeignKey(
                db_default=tenancy.models.owned.CurrentTenant(),
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.tenant",
            ),
        ),
        migrations.AddField(
            model_name="seriesforecast",
            name="tenant",
            field=models.ForeignKey(
                db_default=tenancy.models.owned.CurrentTenant(),
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.tenant",
            ),
        ),
        migrations.AddConstraint(
            model_name="seriessample",
            constraint=models.UniqueConstraint(fields=("series", "at"), name="series_sample_once"),
        ),
        migrations.AddConstraint(
            model_name="analyticsaggregate",
            constraint=models.UniqueConstraint(fields=("tenant", "day"), name="analytics_aggregate_once"),
        ),
        migrations.AddIndex(
            model_name="recommendationbatch",
            index=models.Index(fields=["tenant", "-ts"], name="recommendation_batch_recent"),
        ),
        migrations.AddConstraint(
            model_name="referralretention",
            constraint=models.UniqueConstraint(
                fields=("tenant", "day", "source"), name="referral_retention_once"
            ),
        ),
        migrations.AddIndex(
            model_name="seriesforecast",
            index=models.Index(fields=["tenant", "-ts"], name="series_forecast_recent"),
        ),
        migrations.AddConstraint(
            model_name="seriesforecast",
            constraint=models.UniqueConstraint(
                fields=("tenant", "measure", "starts_on", "horizon_days"), name="series_forecast_once"
            ),
        ),
    ]


_TABLES = ("recommendation_batches", "series_forecasts", "analytics_aggregates", "referral_retention")
Migration.operations += [migrations.RunSQL(secure_table(table), release_table(table)) for table in _TABLES]

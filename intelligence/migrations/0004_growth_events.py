"""Makes the table growth_events, under forced row level security."""

import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models

import tenancy.models.owned
import tenancy.models.tenants
from tenancy.domain.row_security import release_table, secure_table


class Migration(migrations.Migration):
    dependencies = [
        ("intelligence", "0003_filtered_lists"),
        ("tenancy", "0003_core_tenant"),
    ]

    operations = [
        migrations.CreateModel(
            name="GrowthEvent",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("visit", "visit"),
                            ("signup", "signup"),
                            ("active", "active"),
                            ("paid", "paid"),
                        ],
                        max_length=8,
                    ),
                ),
                ("user", models.CharField(max_length=100)),
                ("source", models.CharField(blank=True, default="", max_length=100)),
                ("campaign", models.CharField(blank=True, default="", max_length=100)),
                ("plan", models.CharField(blank=True, default="", max_length=100)),
                ("revenue_cents", models.PositiveBigIntegerField(blank=True, null=True)),
                ("at", models.DateTimeField()),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.contrib.postgres.functions.TransactionNow(), editable=False
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_default=tenancy.models.owned.CurrentTenant(),
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "growth_events",
                "indexes": [models.Index(fields=["tenant", "kind", "at"], name="growth_event_by_kind")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "user", "kind", "at"), name="growth_event_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["visit", "signup", "active", "paid"])),
                        name="growth_event_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("revenue_cents__isnull", True), ("kind", "paid"), _connector="OR"
                        ),
                        name="growth_event_revenue_of_payments",
                    ),
                ],
            },
        ),
        migrations.RunSQL(secure_table("growth_events"), release_table("growth_events")),
    ]

"""Makes the table idempotent_requests, under forced row level security."""

import django.db.models.deletion
from django.db import migrations, models

import tenancy.models.owned
import tenancy.models.tenants
from tenancy.domain.row_security import release_table, secure_table


class Migration(migrations.Migration):
    dependencies = [
        ("tenancy", "0003_core_tenant"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotentRequest",
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
                ("operation", models.CharField(max_length=100)),
                ("key", models.CharField(max_length=255)),
                ("body_digest", models.CharField(max_length=64)),
                ("status_code", models.PositiveSmallIntegerField()),
                ("answer", models.JSONField()),
                ("at", models.DateTimeField()),
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
                "db_table": "idempotent_requests",
                "indexes": [models.Index(fields=["at"], name="idempotent_request_age")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "operation", "key"), name="idempotent_request_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(secure_table("idempotent_requests"), release_table("idempotent_requests")),
    ]

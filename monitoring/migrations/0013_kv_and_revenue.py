"""Makes the key-value table and the days of revenue."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0012_api_calls"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeyValue",
            fields=[
                ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("value", models.CharField(blank=True, default="", max_length=200)),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "key and value",
                "verbose_name_plural": "keys and values",
                "db_table": "kv",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="RevenueDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False, verbose_name="UTC day")),
                ("revenue", models.DecimalField(decimal_places=2, max_digits=14)),
                ("refunded", models.DecimalField(decimal_places=2, max_digits=14)),
                ("disputed", models.DecimalField(decimal_places=2, max_digits=14)),
                ("fees", models.DecimalField(decimal_places=2, max_digits=14)),
                ("paid_charges", models.PositiveIntegerField()),
                ("failed_charges", models.PositiveIntegerField()),
                ("foreign_charges", models.PositiveIntegerField()),
                ("source", models.CharField(max_length=64)),
                ("read_at", models.DateTimeField()),
            ],
            options={
                "db_table": "revenue_days",
                "default_permissions": ("view",),
            },
        ),
    ]

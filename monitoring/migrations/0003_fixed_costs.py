"""Seeds the two things the platform pays for every day, as the burn-in's document names them."""

from decimal import Decimal

from django.db import migrations

FIXED = {"autoscale": Decimal("5.00"), "database": Decimal("2.00")}


def seed(apps, schema_editor):
    rows = apps.get_model("monitoring", "FixedCost").objects.using(schema_editor.connection.alias)
    for service, amount in FIXED.items():
        rows.get_or_create(service=service, defaults={"daily_amount": amount})


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0002_health_log")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]

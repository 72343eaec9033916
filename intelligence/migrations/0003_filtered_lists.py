"""Indexes for the filtered lists: without them a filter that matches little reads the whole table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("intelligence", "0002_row_security")]

    operations = [
        migrations.AddIndex(
            model_name="intelevent",
            index=models.Index(fields=["tenant", "component", "-ts", "-id"], name="intel_event_component"),
        ),
        migrations.AddIndex(
            model_name="intelevent",
            index=models.Index(fields=["tenant", "severity", "-ts", "-id"], name="intel_event_severity"),
        ),
    ]

"""Seeds the three SLOs, and gives every incident that is there already its first entries."""

from decimal import Decimal

from django.db import migrations

SLOS = (
    {
        "name": "latency",
        "title": "p99 within 200 ms",
        "description": "99 % of all observations are answered within 200 ms.",
        "sli": "latency",
        "objective": Decimal("0.99"),
        "threshold_ms": 200,
    },
    {
        "name": "error-rate",
        "title": "Error rate at most 0.5 %",
        "description": "99.5 % of all observations are answered well.",
        "sli": "error_rate",
        "objective": Decimal("0.995"),
    },
    {
        "name": "availability",
        "title": "Available 99.9 %",
        "description": "The critical endpoints are all up 99.9 % of the time.",
        "sli": "availability",
        "objective": Decimal("0.999"),
    },
)


def seed(apps, schema_editor):
    alias = schema_editor.connection.alias
    rows = apps.get_model("monitoring", "Slo").objects.using(alias)
    for slo in SLOS:
        rows.get_or_create(name=slo["name"], defaults={**slo, "period": "7d", "recovers": "platform"})


def begin_stories(apps, schema_editor):
    alias = schema_editor.connection.alias
    entries = apps.get_model("monitoring", "IncidentEntry").objects.using(alias)
    for incident in apps.get_model("monitoring", "Incident").objects.using(alias).filter(entries=None):
        entries.create(
            incident=incident,
            kind="opened",
            written_at=incident.created_at,
            effective_at=incident.opened_at,
            actor=incident.opened_by,
            text=incident.summary,
            severity=incident.severity,
        )
        if incident.resolved_at:
            at = max(incident.resolved_at, incident.created_at)
            entries.create(
                incident=incident, kind="resolved", written_at=at, effective_at=incident.resolved_at, actor=""
            )


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0010_slos_and_incidents")]

    operations = [
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RunPython(begin_stories, migrations.RunPython.noop),
    ]

"""Seeds the nine alert rules; an operator may change or switch off each of them."""

from django.db import migrations

# fmt: off
RULES = (
    {"key": "error_rate", "name": "Error rate", "kind": "error_rate", "severity": "P2", "comparison": "above",
     "threshold": 0.5, "clear_threshold": 0.4, "unit": "%", "window_s": 3600, "cool_down_s": 300},
    {"key": "5xx_burst", "name": "5xx burst", "kind": "server_errors", "severity": "P2", "comparison": "above",
     "threshold": 5, "unit": "answers", "window_s": 60},
    {"key": "daily_cost", "name": "Daily cost", "kind": "daily_cost", "severity": "P3", "comparison": "above",
     "threshold": 10, "unit": "USD", "pauses_api_days": False},
    {"key": "endpoint_down", "name": "Endpoint down", "kind": "endpoint_down", "severity": "P2", "comparison": "at_least",
     "threshold": 1},
    {"key": "slo_burn", "name": "SLO burn", "kind": "slo_burn", "severity": "P2", "comparison": "at_least",
     "threshold": 1, "unit": "x"},
    {"key": "slo_no_data", "name": "SLO without data", "kind": "slo_no_data", "severity": "P3", "comparison": "at_least",
     "threshold": 1},
    {"key": "certificate", "name": "Certificate expires", "kind": "certificate", "severity": "P3", "comparison": "below",
     "threshold": 14, "clear_threshold": 15, "unit": "days", "pauses_api_days": False},
    {"key": "job_late_or_failed", "name": "Job late or failed", "kind": "job", "severity": "P3", "comparison": "at_least",
     "threshold": 1},
    {"key": "beat_silent", "name": "Beat silent", "kind": "beat", "severity": "P1", "comparison": "above",
     "threshold": 30, "unit": "s", "for_s": 30},
)
# fmt: on


def seed(apps, schema_editor):
    alias = schema_editor.connection.alias
    rows = apps.get_model("monitoring", "AlertRule").objects.using(alias)
    channels = ["console", "database", "slack", "email"]
    for rule in RULES:
        rows.get_or_create(key=rule["key"], defaults={**rule, "channels": channels})
    for name in channels:
        apps.get_model("monitoring", "AlertChannel").objects.using(alias).get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0007_alerts")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]

"""Puts the intelligence tables under forced row level security."""

from django.db import migrations

from tenancy.domain.row_security import release_table, secure_table

_TABLES = ("intel_events", "intel_actions", "intel_recommendations", "ai_forecasts")


class Migration(migrations.Migration):
    dependencies = [("intelligence", "0001_tables"), ("tenancy", "0002_isolation")]

    operations = [migrations.RunSQL(secure_table(table), release_table(table)) for table in _TABLES]

"""Seeds the core tenant, once, with everybody who already has an account as its owner."""

import json

from django.conf import settings
from django.db import migrations

CORE = "000-CORE"


def seed(apps, schema_editor):
    Tenant = apps.get_model("tenancy", "Tenant")
    TenantUser = apps.get_model("tenancy", "TenantUser")
    User = apps.get_model(settings.AUTH_USER_MODEL)
    alias = schema_editor.connection.alias
    tenant, created = Tenant.objects.using(alias).get_or_create(ext_id=CORE, defaults={"name": "Levqor Core"})
    users = list(User.objects.using(alias).order_by("pk").values_list("pk", flat=True))
    TenantUser.objects.using(alias).bulk_create(
        [TenantUser(tenant=tenant, user_id=pk, role="owner") for pk in users], ignore_conflicts=True
    )
    if created:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT tenant_audit_append(%s, 'tenant_seeded', 'migration', %s::jsonb)",
                [tenant.pk, json.dumps({"ext_id": CORE, "owners": len(users)})],
            )


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0002_isolation"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]

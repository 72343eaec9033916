"""The roles as groups with the permissions they bring, set anew with every migration: this file is the truth.

A role says what its people may do; the right `tenancy.use_control_plane` says that they do it for the whole
platform. Without it the same role works inside one tenant: so a viewer or a tenant admin can be a customer.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import connections, transaction

CONTROL = "tenancy.use_control_plane"

_VIEW = (
    "monitoring.view_burnin",
    "monitoring.view_verdict",
    "monitoring.view_gatepolicy",
    "monitoring.view_opslogentry",
    "monitoring.view_checkpoint",
    "monitoring.view_review",
    "monitoring.view_incident",
    "monitoring.view_slo",
    "monitoring.view_recoveryproposal",
    "monitoring.view_alertrule",
    "monitoring.view_alertepisode",
    "monitoring.view_alertdelivery",
    "monitoring.view_silence",
    "monitoring.view_maintenancewindow",
    "monitoring.view_endpoint",
    "monitoring.view_endpointstate",
    "monitoring.view_outage",
    "monitoring.view_observedspan",
    "monitoring.view_healthlog",
    "monitoring.view_costentry",
    "monitoring.view_fixedcost",
    "monitoring.view_jobrun",
    "monitoring.view_jobschedule",
    "intelligence.view_intelevent",
    "intelligence.view_intelaction",
    "intelligence.view_intelrecommendation",
    "intelligence.view_aiforecast",
    "tenancy.view_tenant",
)
_OPERATE = (
    "monitoring.add_incident",
    "monitoring.change_incident",
    "monitoring.answer_alert",
    "monitoring.add_silence",
    "monitoring.change_silence",
    "monitoring.add_maintenancewindow",
    "monitoring.change_maintenancewindow",
    "monitoring.add_endpoint",
    "monitoring.change_endpoint",
    "monitoring.add_costentry",
    "monitoring.change_costentry",
    "monitoring.run_job",
    "monitoring.record_daily_check",
    "monitoring.take_checkpoint",
    "intelligence.change_intelrecommendation",
)
_REVIEW = (
    "monitoring.add_burnin",
    "monitoring.record_daily_check",
    "monitoring.take_checkpoint",
    "monitoring.sign_review",
    "monitoring.replay_verdict",
    "monitoring.export_evidence",
    "tenancy.view_tenantaudit",
)
_OWN_TOKENS = ("tenancy.view_apitoken", "tenancy.add_apitoken", "tenancy.change_apitoken")
_TENANT_ADMIN = (
    *_OWN_TOKENS,
    "tenancy.view_tenantuser",
    "tenancy.change_tenantuser",
    "tenancy.view_tenantaudit",
    "monitoring.add_endpoint",
    "monitoring.change_endpoint",
    "intelligence.change_intelrecommendation",
)
_PLATFORM_ADMIN = (
    "monitoring.add_slo",
    "monitoring.change_slo",
    "monitoring.add_alertrule",
    "monitoring.change_alertrule",
    "monitoring.add_fixedcost",
    "monitoring.change_fixedcost",
    "monitoring.change_jobschedule",
    "tenancy.add_tenant",
    "tenancy.change_tenant",
    "tenancy.add_tenantuser",
    "auth.view_user",
    "auth.add_user",
    "auth.change_user",
    "auth.view_group",
)

ROLES: dict[str, tuple[str, ...]] = {
    "viewer": _VIEW,
    "operator": (CONTROL, *_VIEW, *_OPERATE),
    "reviewer": (CONTROL, *_VIEW, *_REVIEW),
    "tenant admin": (*_VIEW, *_TENANT_ADMIN),
    "platform admin": (CONTROL, *_VIEW, *_OPERATE, *_REVIEW, *_TENANT_ADMIN, *_PLATFORM_ADMIN),
}


def ensure_roles(using: str = "default") -> None:
    """This will make the groups, or set their permissions anew.

    Raises:
        Permission.DoesNotExist: when this file names a permission that no model has.
    """
    # A migration emits its signal app by app, so not every permission need be there yet: make them all.
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=using)
    with transaction.atomic(using=using):
        _set_permissions(using)


def _set_permissions(using: str) -> None:
    rows = Permission.objects.using(using).select_related("content_type")
    known = {f"{row.content_type.app_label}.{row.codename}": row for row in rows}
    for name, wanted in ROLES.items():
        missing = sorted(set(wanted) - set(known))
        if missing:
            raise Permission.DoesNotExist(
                f"The role {name!r} names {', '.join(missing)}, which no model has."
            )
        group, _ = Group.objects.using(using).get_or_create(name=name)
        group.permissions.set([known[permission] for permission in wanted])


def after_migrate(*, using: str, **signal: Any) -> None:
    """Receiver of `post_migrate`; a migration back to before there were accounts has no roles to set."""
    tables = connections[using].introspection.table_names()
    if {Permission._meta.db_table, Group._meta.db_table} <= set(tables):
        ensure_roles(using)

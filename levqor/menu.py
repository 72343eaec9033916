"""The console's menu: every registered model in one section, in the order in which the work flows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the menu and the models under it, as `app_label.ModelName`."""

    title: str
    models: tuple[str, ...]


BOARD = "Board"
# What is registered but listed nowhere; a test keeps it empty.
UNSORTED = "Unsorted"

SECTIONS = (
    Section(
        "Burn-in",
        (
            "monitoring.Verdict",
            "monitoring.BurnIn",
            "monitoring.GatePolicy",
            "monitoring.OpsLogEntry",
            "monitoring.Checkpoint",
            "monitoring.Review",
        ),
    ),
    Section(
        "Alerts & incidents",
        (
            "monitoring.AlertEpisode",
            "monitoring.Incident",
            "monitoring.AlertRule",
            "monitoring.AlertDelivery",
            "monitoring.Silence",
            "monitoring.MaintenanceWindow",
        ),
    ),
    Section(
        "Endpoints & health",
        ("monitoring.Endpoint", "monitoring.Outage", "monitoring.ObservedSpan", "monitoring.HealthLog"),
    ),
    Section("SLOs", ("monitoring.Slo", "monitoring.RecoveryProposal")),
    Section("Jobs", ("monitoring.JobSchedule", "monitoring.JobRun")),
    Section("Costs & reports", ("monitoring.CostEntry", "monitoring.FixedCost")),
    Section(
        "Intelligence",
        (
            "intelligence.IntelEvent",
            "intelligence.IntelAction",
            "intelligence.IntelRecommendation",
            "intelligence.AiForecast",
        ),
    ),
    Section("Tenancy & Genesis", ("tenancy.Tenant", "tenancy.TenantUser", "tenancy.TenantAudit")),
    Section("Snapshots", ()),
    Section("Access", ("auth.User", "auth.Group", "tenancy.ApiToken")),
)


def in_sections(apps: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Django's list of apps and their models, regrouped into sections; an empty section is left out."""
    found = {f"{app['app_label']}.{model['object_name']}": model for app in apps for model in app["models"]}
    listed = [
        _entry(section.title, [found.pop(name, None) for name in section.models]) for section in SECTIONS
    ]
    listed.append(_entry(UNSORTED, list(found.values())))
    return [entry for entry in listed if entry["models"]]


def _entry(title: str, models: list[dict[str, Any] | None]) -> dict[str, Any]:
    present = [model for model in models if model is not None]
    slug = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
    return {"name": title, "app_label": slug, "app_url": "", "has_module_perms": True, "models": present}

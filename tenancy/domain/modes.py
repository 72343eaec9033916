"""The words of tenancy: ceilings, modes, states, plans and roles."""

from enum import StrEnum


class Ceiling(StrEnum):
    """How far any tenant may be moved: the platform-wide `TENANCY_MODE`."""

    SINGLE = "single"
    DUAL = "dual"
    MULTI = "multi"


class TenantMode(StrEnum):
    """Where one tenant's rows are read and written."""

    SINGLE = "single"
    DUAL_SHADOW = "dual_shadow"
    DUAL_VERIFIED = "dual_verified"
    SCHEMA = "schema"
    SCHEMA_FINAL = "schema_final"


class TenantStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    PENDING_DELETION = "pending_deletion"
    DELETED = "deleted"


class Plan(StrEnum):
    CORE = "core"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class MemberRole(StrEnum):
    """What a member may do inside one tenant."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    VIEWER = "viewer"


_ALLOWED: dict[Ceiling, frozenset[TenantMode]] = {
    Ceiling.SINGLE: frozenset({TenantMode.SINGLE}),
    Ceiling.DUAL: frozenset({TenantMode.SINGLE, TenantMode.DUAL_SHADOW, TenantMode.DUAL_VERIFIED}),
    Ceiling.MULTI: frozenset(TenantMode),
}


def allowed_modes(ceiling: Ceiling) -> frozenset[TenantMode]:
    """The modes a tenant may be in under `ceiling`."""
    return _ALLOWED[ceiling]

"""What a portal needs before its first minute: an operator, a burn-in, a prober's token, itself to watch."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from monitoring.models import BurnIn
from monitoring.services.costs import accrue_fixed_costs
from monitoring.services.endpoints import watch_portal
from monitoring.services.judging import ensure_policy, open_burn_in
from tenancy.domain.modes import MemberRole
from tenancy.domain.tokens import TokenScope, digest_of
from tenancy.models import ApiToken
from tenancy.services.members import add_member, create_operator, create_token, default_tenant

ACTOR = "first run"
PROBER = "levqor-prober"


@dataclass(frozen=True, slots=True)
class NewOperator:
    """The account that was just made; the password is shown once and stored nowhere in clear."""

    username: str
    password: str
    generated: bool


@transaction.atomic
def ensure_operator() -> NewOperator | None:
    """This will make the first operator's account; None when there is a superuser already."""
    if User.objects.filter(is_superuser=True, is_active=True).exists():
        return None
    given = settings.LEVQOR_ADMIN_PASSWORD
    password = given or secrets.token_urlsafe(15)
    create_operator(username=settings.LEVQOR_ADMIN_USER, password=password, actor=ACTOR)
    return NewOperator(settings.LEVQOR_ADMIN_USER, password, generated=not given)


@transaction.atomic
def ensure_burn_in(*, now: datetime) -> BurnIn | None:
    """This will open a burn-in of seven days with a review six days later; None when there is one already."""
    ensure_policy(actor=ACTOR)
    if BurnIn.objects.exists():
        return None
    name = f"burn-in of {now:%Y-%m-%d}"
    return open_burn_in(name=name, starts_at=now, days=7, review_after=timedelta(days=6), actor=ACTOR)


@transaction.atomic
def ensure_probe_key(known: str, *, now: datetime) -> str:
    """This will make a read-only token for the prober and return it, unless `known` still opens the API."""
    token = ApiToken.objects.filter(digest=digest_of(known), user__is_active=True).first() if known else None
    if token is not None and token.is_valid_at(now):
        return known
    user, created = User.objects.get_or_create(username=PROBER)
    if created:
        user.set_unusable_password()
        user.save()
        add_member(tenant=default_tenant(), user=user, role=MemberRole.VIEWER, actor=ACTOR)
    return create_token(
        user=user, name="prober of the portal itself", scope=TokenScope.READ, now=now, lifetime=None
    )


def ensure_first_measurements(*, base_url: str, now: datetime) -> None:
    """This will put the portal itself under watch and write today's fixed costs."""
    watch_portal(base_url=base_url, tenant=default_tenant(), now=now)
    accrue_fixed_costs(now=now)

"""API tokens: shown once, stored as a hash."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q

from tenancy.domain.tokens import TokenScope


class ApiToken(models.Model):
    """A program's right to call the API in a user's name."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    # The first characters, so that a person can tell tokens apart without knowing one.
    prefix = models.CharField(max_length=12)
    # SHA-256 of the token: it has 256 bits of its own, so a slow hash would add nothing.
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=8, choices=[(s.value, s.value) for s in TokenScope])
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # To the hour: writing it on every request would make each read a write.
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "api_tokens"
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                name="api_token_scope_known", condition=Q(scope__in=[s.value for s in TokenScope])
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_valid_at(self, now: datetime) -> bool:
        """Whether the token opens anything at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

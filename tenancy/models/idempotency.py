"""Answers that were given once, so that a repeated request is answered and not done again."""

from __future__ import annotations

from django.db import models

from tenancy.models.owned import TenantOwned


class IdempotentRequest(TenantOwned):
    """A request that carried an `Idempotency-Key`, and the answer it was given."""

    # The operation's address: the same key may be used for different ones.
    operation = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    # SHA-256 of the body, in hex.
    body_digest = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        db_table = "idempotent_requests"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "operation", "key"], name="idempotent_request_once")
        ]
        # What is past its time?
        indexes = [models.Index(fields=["at"], name="idempotent_request_age")]

    def __str__(self) -> str:
        return f"{self.operation} {self.key}"

"""Bodies that the addresses of every app answer with, as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

_Body = serializers.Serializer[Any]


class StoredMeta(_Body):
    correlation_id = serializers.CharField()
    duration_ms = serializers.FloatField()
    timestamp = serializers.DateTimeField()
    version = serializers.CharField()


class StoredBody(_Body):
    ok = serializers.BooleanField()
    stored = serializers.IntegerField(help_text="How many of the items were not known yet.")
    received = serializers.IntegerField()
    meta = StoredMeta()


class _ErrorDetail(_Body):
    type = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]  # the name is the API's
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


class _ErrorMeta(_Body):
    correlation_id = serializers.CharField()


class ErrorBody(_Body):
    ok = serializers.BooleanField()
    error = _ErrorDetail()
    meta = _ErrorMeta()

"""The bodies the API answers with, as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tenancy.api.bodies import ErrorBody

_Body = serializers.Serializer[Any]

__all__ = ["ErrorBody"]


class MetaBody(_Body):
    correlation_id = serializers.CharField(help_text="Finds this call in the portal's log.")
    duration_ms = serializers.FloatField(help_text="How long the answer took, in milliseconds.")
    timestamp = serializers.DateTimeField(help_text="When the content was read.")
    version = serializers.CharField(help_text="The portal's version.")


class EventBody(_Body):
    id = serializers.UUIDField()
    event = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    mean = serializers.FloatField(allow_null=True, help_text="What was expected; null when not known.")
    ts = serializers.DateTimeField()
    component = serializers.CharField()
    severity = serializers.CharField(help_text="P1 to P4, or empty.")
    details = serializers.DictField()


class ActionBody(_Body):
    id = serializers.UUIDField()
    action = serializers.CharField()
    metadata = serializers.DictField()
    ts = serializers.DateTimeField()
    subsystem = serializers.CharField()


class RecommendationBody(_Body):
    id = serializers.UUIDField()
    type = serializers.CharField()
    priority = serializers.CharField(help_text="high, medium or low.")
    message = serializers.CharField()
    metric = serializers.CharField()
    evidence = serializers.DictField()
    state = serializers.CharField(help_text="open, done or dismissed.")
    batch = serializers.UUIDField(allow_null=True)
    ts = serializers.DateTimeField()


class ForecastBody(_Body):
    id = serializers.UUIDField()
    predicted_revenue = serializers.FloatField(help_text="US dollars over the horizon.")
    churn_rate = serializers.FloatField(help_text="Percent of members.")
    horizon_days = serializers.IntegerField()
    ts = serializers.DateTimeField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    method = serializers.CharField()
    data_points = serializers.IntegerField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    backtest_error = serializers.FloatField(allow_null=True)


class ObservationBody(_Body):
    id = serializers.IntegerField()
    ts = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    endpoint = serializers.CharField(allow_null=True)
    component = serializers.CharField(allow_null=True)
    source = serializers.CharField(  # type: ignore[assignment]  # the name is the API's
        help_text="monitor, synthetic, api or import."
    )
    status_code = serializers.IntegerField(allow_null=True, help_text="0 = no answer; null = none was told.")
    ok = serializers.BooleanField()
    latency_ms = serializers.FloatField(allow_null=True)
    frontend = serializers.CharField()
    backend = serializers.CharField()
    error_class = serializers.CharField()
    error = serializers.CharField(allow_null=True)
    failed_assertion = serializers.CharField()


class LatestForecastBody(_Body):
    predicted_revenue = serializers.FloatField()
    churn_rate = serializers.FloatField()
    horizon_days = serializers.IntegerField()
    ts = serializers.DateTimeField()


class SummaryHealthBody(_Body):
    avg_latency_ms = serializers.FloatField(allow_null=True, help_text="Over the last hour; null: no data.")
    error_rate = serializers.FloatField(allow_null=True, help_text="Percent, over the last hour.")
    total_checks = serializers.IntegerField()


class SummaryBody(_Body):
    anomalies_24h = serializers.IntegerField()
    actions_24h = serializers.IntegerField()
    latest_forecast = LatestForecastBody(allow_null=True)
    health = SummaryHealthBody()


class StatusBody(_Body):
    ok = serializers.BooleanField()
    status = serializers.CharField(
        help_text="Of the last hour: operational (no check failed), degraded (some), failing (all), no_data."
    )
    summary = SummaryBody()
    recent_events = EventBody(many=True)
    recent_actions = ActionBody(many=True)
    recommendations = RecommendationBody(many=True)
    meta = MetaBody()


class _ListBody(_Body):
    ok = serializers.BooleanField()
    count = serializers.IntegerField(help_text="How many rows are on this page.")
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page; null: the last.")
    meta = MetaBody()


class EventsBody(_ListBody):
    events = EventBody(many=True)


class RecommendationsBody(_ListBody):
    recommendations = RecommendationBody(many=True)


class ForecastsBody(_ListBody):
    forecasts = ForecastBody(many=True)
    latest = ForecastBody(allow_null=True)


class HealthBody(_ListBody):
    logs = ObservationBody(many=True)

from intelligence.models.actions import HealRule, IntelAction
from intelligence.models.events import IntelEvent
from intelligence.models.forecasts import AiForecast, SeriesForecast
from intelligence.models.growth import GrowthEvent
from intelligence.models.recommendations import IntelRecommendation, RecommendationBatch
from intelligence.models.retention import AnalyticsAggregate, ReferralRetention
from intelligence.models.series import ScalingCheck, SeriesMemory, SeriesSample

__all__ = [
    "AiForecast",
    "AnalyticsAggregate",
    "GrowthEvent",
    "HealRule",
    "IntelAction",
    "IntelEvent",
    "IntelRecommendation",
    "RecommendationBatch",
    "ReferralRetention",
    "ScalingCheck",
    "SeriesForecast",
    "SeriesMemory",
    "SeriesSample",
]

from intelligence.models.actions import IntelAction
from intelligence.models.events import IntelEvent
from intelligence.models.forecasts import AiForecast
from intelligence.models.growth import GrowthEvent
from intelligence.models.recommendations import IntelRecommendation

__all__ = ["AiForecast", "GrowthEvent", "IntelAction", "IntelEvent", "IntelRecommendation"]

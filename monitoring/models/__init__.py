from monitoring.models.alerts import AlertEpisode, AlertRule, AlertTrack
from monitoring.models.burnin import BurnIn, GatePolicy
from monitoring.models.costs import CostEntry, FixedCost
from monitoring.models.deliveries import AlertChannel, AlertDelivery
from monitoring.models.endpoints import Endpoint, EndpointState
from monitoring.models.health import HealthHour, HealthLatency, HealthLog, HealthMinute
from monitoring.models.incidents import Incident
from monitoring.models.jobs import BeatLease, JobRun, WorkerHeartbeat
from monitoring.models.maintenance import MaintenanceWindow, Silence
from monitoring.models.outages import ObservedSpan, Outage
from monitoring.models.schedules import JobSchedule

__all__ = [
    "AlertChannel",
    "AlertDelivery",
    "AlertEpisode",
    "AlertRule",
    "AlertTrack",
    "BeatLease",
    "BurnIn",
    "CostEntry",
    "Endpoint",
    "EndpointState",
    "FixedCost",
    "GatePolicy",
    "HealthHour",
    "HealthLatency",
    "HealthLog",
    "HealthMinute",
    "Incident",
    "JobRun",
    "JobSchedule",
    "MaintenanceWindow",
    "ObservedSpan",
    "Outage",
    "Silence",
    "WorkerHeartbeat",
]

from monitoring.models.alerts import AlertEpisode, AlertRule, AlertTrack
from monitoring.models.burnin import BurnIn, GatePolicy
from monitoring.models.costs import CostEntry, FixedCost
from monitoring.models.deliveries import AlertChannel, AlertDelivery
from monitoring.models.endpoints import Endpoint, EndpointState
from monitoring.models.health import HealthHour, HealthLatency, HealthLog, HealthMinute
from monitoring.models.incidents import Incident, IncidentEntry, IncidentOutage
from monitoring.models.jobs import BeatLease, JobRun, WorkerHeartbeat
from monitoring.models.maintenance import MaintenanceWindow, Silence
from monitoring.models.outages import ObservedSpan, Outage
from monitoring.models.schedules import JobSchedule
from monitoring.models.slo import RecoveryProposal, Slo, SloEvaluation

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
    "IncidentEntry",
    "IncidentOutage",
    "JobRun",
    "JobSchedule",
    "MaintenanceWindow",
    "ObservedSpan",
    "Outage",
    "RecoveryProposal",
    "Silence",
    "Slo",
    "SloEvaluation",
    "WorkerHeartbeat",
]

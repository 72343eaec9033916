from monitoring.models.alerts import AlertEpisode, AlertRule, AlertTrack
from monitoring.models.burnin import BurnIn, BurnInChange, GatePolicy
from monitoring.models.costs import CostEntry, FixedCost
from monitoring.models.deliveries import AlertChannel, AlertDelivery
from monitoring.models.endpoints import Endpoint, EndpointState
from monitoring.models.health import HealthHour, HealthLatency, HealthLog, HealthMinute
from monitoring.models.incidents import Incident, IncidentEntry, IncidentOutage
from monitoring.models.jobs import BeatLease, JobRun, WorkerHeartbeat
from monitoring.models.maintenance import MaintenanceWindow, Silence
from monitoring.models.opslog import OpsLogEntry
from monitoring.models.outages import ObservedSpan, Outage
from monitoring.models.reviews import Blocker, Checkpoint, Review, Waiver
from monitoring.models.schedules import JobSchedule
from monitoring.models.slo import RecoveryProposal, Slo, SloEvaluation
from monitoring.models.verdicts import Verdict, VerdictRows

__all__ = [
    "AlertChannel",
    "AlertDelivery",
    "AlertEpisode",
    "AlertRule",
    "AlertTrack",
    "BeatLease",
    "Blocker",
    "BurnIn",
    "BurnInChange",
    "Checkpoint",
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
    "OpsLogEntry",
    "Outage",
    "RecoveryProposal",
    "Review",
    "Silence",
    "Slo",
    "SloEvaluation",
    "Verdict",
    "VerdictRows",
    "Waiver",
    "WorkerHeartbeat",
]

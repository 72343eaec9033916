from monitoring.models.burnin import BurnIn, GatePolicy
from monitoring.models.costs import CostEntry, FixedCost, KeyValue, RevenueDay
from monitoring.models.endpoints import Endpoint, EndpointState
from monitoring.models.health import HealthHour, HealthLatency, HealthLog, HealthMinute
from monitoring.models.incidents import Incident
from monitoring.models.jobs import BeatLease, JobRun, WorkerHeartbeat
from monitoring.models.outages import ObservedSpan, Outage
from monitoring.models.schedules import JobSchedule

__all__ = [
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
    "KeyValue",
    "ObservedSpan",
    "Outage",
    "RevenueDay",
    "WorkerHeartbeat",
]

"""Our SLOs as OpenSLO objects, and back: what the portal can measure, and nothing that it would lose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from monitoring.domain.openslo import API_VERSION, Findings, Problem, shown
from monitoring.domain.openslo_references import Object
from monitoring.domain.slo import SliKind, SloPeriod

SOURCE = "Levqor"
SERVICE = "platform"
RECOVERS = "levqor/recovers"
ENABLED = "levqor/enabled"
_PLACES = 8

_RATIOS = {
    ("good", "seconds_up", "seconds_known"): SliKind.AVAILABILITY,
    ("bad", "bad_observations", "observations"): SliKind.ERROR_RATE,
}
_LATENCY = "latency_ms"
_ROLLING = {
    "7d": SloPeriod.ROLLING_7D,
    "1w": SloPeriod.ROLLING_7D,
    "28d": SloPeriod.ROLLING_28D,
    "4w": SloPeriod.ROLLING_28D,
    "30d": SloPeriod.ROLLING_30D,
}


@dataclass(frozen=True, slots=True)
class SloDefinition:
    """An SLO as people define it. No endpoints: all critical ones."""

    name: str
    sli: SliKind
    objective: Decimal
    period: SloPeriod
    threshold_ms: float | None = None
    title: str = ""
    description: str = ""
    endpoints: tuple[str, ...] = ()
    recovers: str = ""
    enabled: bool = True


class UnableToMeasure(ValueError):
    """The objects are right, but the portal cannot measure them; `problems` say what and where."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def to_object(slo: SloDefinition) -> Object:
    """Return the SLO as one OpenSLO object, its indicator written out."""
    objective: dict[str, Any] = {"displayName": slo.title or slo.name, "target": float(slo.objective)}
    if slo.threshold_ms is not None:
        objective |= {"op": "lte", "value": slo.threshold_ms}
    metadata: dict[str, Any] = {"name": slo.name}
    if slo.title:
        metadata["displayName"] = slo.title
    metadata["annotations"] = {ENABLED: "true" if slo.enabled else "false", RECOVERS: slo.recovers}
    spec: dict[str, Any] = {"description": slo.description} if slo.description else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "SLO",
        "metadata": metadata,
        "spec": {
            **spec,
            "service": SERVICE,
            "indicator": {"metadata": {"name": f"{slo.name}-sli"[:63].rstrip("-")}, "spec": _indicator(slo)},
            "timeWindow": [_time_window(slo.period)],
            "budgetingMethod": "Occurrences",
            "objectives": [objective],
        },
    }


def _indicator(slo: SloDefinition) -> dict[str, Any]:
    if slo.sli is SliKind.LATENCY:
        return {"thresholdMetric": _metric(_LATENCY, slo.endpoints)}
    side, part, whole = next(key for key, kind in _RATIOS.items() if kind is slo.sli)
    return {
        "ratioMetric": {
            "counter": True,
            side: _metric(part, slo.endpoints),
            "total": _metric(whole, slo.endpoints),
        }
    }


def _metric(measure: str, endpoints: Sequence[str]) -> dict[str, Any]:
    spec: dict[str, Any] = {"measure": measure}
    if endpoints:
        spec["endpoints"] = list(endpoints)
    return {"metricSource": {"type": SOURCE, "spec": spec}}


def _time_window(period: SloPeriod) -> dict[str, Any]:
    if period is SloPeriod.CALENDAR_MONTH:
        calendar = {"startTime": "2022-01-01 00:00:00", "timeZone": "UTC"}
        return {"duration": "1M", "isRolling": False, "calendar": calendar}
    return {"duration": period.value, "isRolling": True}


def definitions_of(objects: Sequence[Object]) -> list[SloDefinition]:
    """Return the SLOs that checked and inlined OpenSLO objects define. Services name nothing that is kept.

    Raises:
        UnableToMeasure: naming everything that the portal has no measure for, and would silently lose.
    """
    findings = Findings()
    found: list[SloDefinition] = []
    seen: set[str] = set()
    for index, one in enumerate(objects):
        path = f"[{index}]"
        if one["kind"] == "SLO":
            definition = _definition(findings, one, path)
            if one["metadata"]["name"] in seen:
                findings.add(f"{path}.metadata.name", f"{shown(one['metadata']['name'])} is there twice")
            seen.add(one["metadata"]["name"])
            if definition is not None:
                found.append(definition)
        elif one["kind"] not in ("Service", "SLI"):
            findings.add(f"{path}.kind", f"the portal keeps no {one['kind']}: it alerts by its own rules")
    if findings.problems:
        raise UnableToMeasure(findings.problems)
    return found


def _definition(findings: Findings, one: Object, path: str) -> SloDefinition | None:
    spec, metadata = one["spec"], one["metadata"]
    before = len(findings.problems)
    if spec["budgetingMethod"] != "Occurrences":
        findings.add(f"{path}.spec.budgetingMethod", "the portal counts Occurrences only")
    if spec.get("alertPolicies"):
        findings.add(f"{path}.spec.alertPolicies", "the portal alerts by its own burn-rate pairs")
    if len(spec["objectives"]) != 1:
        findings.add(f"{path}.spec.objectives", "the portal keeps one objective an SLO; make SLOs of them")
    sli, endpoints = _sli(findings, spec["indicator"]["spec"], f"{path}.spec.indicator.spec")
    objective = spec["objectives"][0]
    target = _target(findings, objective, f"{path}.spec.objectives[0]")
    period = _period(findings, spec["timeWindow"][0], f"{path}.spec.timeWindow[0]")
    threshold = _threshold(findings, sli, objective, f"{path}.spec.objectives[0]")
    if len(findings.problems) > before or sli is None or target is None or period is None:
        return None
    annotations = metadata.get("annotations") or {}
    return SloDefinition(
        name=metadata["name"],
        sli=sli,
        objective=target,
        period=period,
        threshold_ms=threshold,
        title=metadata.get("displayName") or "",
        description=spec.get("description") or "",
        endpoints=endpoints,
        recovers=str(annotations.get(RECOVERS, "")),
        enabled=annotations.get(ENABLED, "true") != "false",
    )


def _sli(findings: Findings, spec: Mapping[str, Any], path: str) -> tuple[SliKind | None, tuple[str, ...]]:
    if spec.get("thresholdMetric") is not None:
        measure, endpoints = _measure(findings, spec["thresholdMetric"], f"{path}.thresholdMetric")
        if measure is not None and measure != _LATENCY:
            where = f"{path}.thresholdMetric.metricSource.spec.measure"
            findings.add(where, f"must be {_LATENCY}, and is {shown(measure)}")
        return SliKind.LATENCY, endpoints
    ratio = spec["ratioMetric"]
    if ratio.get("raw") is not None:
        findings.add(f"{path}.ratioMetric.raw", "the portal needs good or bad, and total")
        return None, ()
    side = "good" if ratio.get("good") is not None else "bad"
    part, endpoints = _measure(findings, ratio[side], f"{path}.ratioMetric.{side}")
    whole, others = _measure(findings, ratio["total"], f"{path}.ratioMetric.total")
    if part is None or whole is None:
        return None, ()
    if endpoints != others:
        findings.add(f"{path}.ratioMetric.total.metricSource.spec.endpoints", f"must be those of {side}")
    kind = _RATIOS.get((side, part, whole))
    if kind is None:
        known = "; ".join(f"{one} {top} of {bottom}" for one, top, bottom in _RATIOS)
        findings.add(f"{path}.ratioMetric", f"the portal measures {known}, not {side} {part} of {whole}")
    return kind, endpoints


def _measure(findings: Findings, metric: Mapping[str, Any], path: str) -> tuple[str | None, tuple[str, ...]]:
    source, here = metric["metricSource"], f"{path}.metricSource"
    if source.get("type") != SOURCE or not isinstance(source["spec"], Mapping):
        findings.add(
            f"{here}.type",
            f"must be {SOURCE}, and is {shown(source.get('type'))}: the portal reads its own measurements",
        )
        return None, ()
    for name in source["spec"]:
        if name not in ("measure", "endpoints"):
            findings.add(f"{here}.spec.{name}", "is no field here; known are measure, endpoints")
    endpoints = source["spec"].get("endpoints", [])
    if not isinstance(endpoints, list) or not all(isinstance(one, str) for one in endpoints):
        findings.add(f"{here}.spec.endpoints", "must be a list of names of endpoints")
        endpoints = []
    return str(source["spec"].get("measure")), tuple(endpoints)


def _target(findings: Findings, objective: Mapping[str, Any], path: str) -> Decimal | None:
    name = "target" if objective.get("target") is not None else "targetPercent"
    target = Decimal(repr(objective[name])) / (1 if name == "target" else 100)
    if target <= 0:
        findings.add(f"{path}.{name}", "a target of 0 promises nothing; give more")
        return None
    if target != round(target, _PLACES):
        findings.add(f"{path}.{name}", f"has more digits than the portal keeps ({_PLACES} of the ratio)")
        return None
    return target


def _period(findings: Findings, window: Mapping[str, Any], path: str) -> SloPeriod | None:
    if window.get("isRolling"):
        if window["duration"] not in _ROLLING:
            findings.add(f"{path}.duration", f"a rolling window is one of {', '.join(_ROLLING)}")
        return _ROLLING.get(window["duration"])
    calendar = window["calendar"]
    begins = str(calendar["startTime"])
    if window["duration"] == "1M" and calendar["timeZone"] == "UTC" and begins[8:] == "01 00:00:00":
        return SloPeriod.CALENDAR_MONTH
    findings.add(path, "a calendar window is 1M, from the first of a month at 00:00:00, UTC")
    return None


def _threshold(
    findings: Findings, sli: SliKind | None, objective: Mapping[str, Any], path: str
) -> float | None:
    for name in ("timeSliceTarget", "timeSliceWindow", "compositeWeight", "indicator", "indicatorRef"):
        if objective.get(name) is not None:
            findings.add(f"{path}.{name}", "the portal has no use for it: leave it out")
    if sli is not SliKind.LATENCY:
        if objective.get("value") is not None:
            findings.add(f"{path}.value", "only a latency SLO has a value")
        return None
    if objective["op"] != "lte":
        findings.add(f"{path}.op", "must be lte: an answer is good when it takes no longer than the value")
    if objective["value"] <= 0:
        findings.add(f"{path}.value", "must be more than 0 milliseconds")
    return float(objective["value"])

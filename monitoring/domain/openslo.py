"""OpenSLO v1 documents: strict checking. Every problem names the path of what is wrong.

After the specification's field rules (openslo.com, v1). A document is what YAML or JSON reads to: mappings,
lists, texts, numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

API_VERSION = "openslo/v1"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DURATION = re.compile(r"[1-9][0-9]{0,5}[mhdwMQY]")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
METHODS = ("Occurrences", "Timeslices", "RatioTimeslices")
_OPERATORS = ("lte", "gte", "lt", "gt")
_LONGEST_TEXT = 1050


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: `[0].spec.objectives[0].target`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or 'the document'}: {self.message}"


@dataclass(slots=True)
class Findings:
    """Gathers problems while a document is walked."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        """Note one problem."""
        self.problems.append(Problem(path, message))

    def mapping(
        self, value: object, path: str, fields: Mapping[str, Rule], required: tuple[str, ...] = ()
    ) -> None:
        """Check a mapping: no unknown field, each required one there, each by its rule."""
        if not isinstance(value, Mapping):
            self.add(path, f"must be a mapping, and is {shown(value)}")
            return
        for name in value:
            if name not in fields:
                self.add(f"{path}.{name}", f"is no field here; known are {', '.join(fields)}")
        for name in required:
            if value.get(name) is None:
                self.add(f"{path}.{name}", "is required")
        for name, rule in fields.items():
            if value.get(name) is not None:
                rule(self, value[name], f"{path}.{name}")

    def one_of(self, value: object, path: str, names: tuple[str, ...]) -> None:
        """Check that exactly one of the fields is there."""
        if isinstance(value, Mapping):
            present = [name for name in names if value.get(name) is not None]
            if len(present) != 1:
                told = f"has {' and '.join(present)}" if present else "has none"
                self.add(path, f"must have exactly one of {' and '.join(names)}, and {told}")


Rule: TypeAlias = Callable[[Findings, Any, str], None]


def shown(value: object) -> str:
    """A value as a message quotes it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def check_objects(objects: object) -> list[Problem]:
    """Return every problem of a list of OpenSLO objects, in their order."""
    findings = Findings()
    if not isinstance(objects, list) or not objects:
        findings.add("", "must be one OpenSLO object or a list of them")
        return findings.problems
    for index, one in enumerate(objects):
        _check_object(findings, one, f"[{index}]")
    return findings.problems


def _check_object(findings: Findings, one: object, path: str) -> None:
    if not isinstance(one, Mapping):
        findings.add(path, f"must be a mapping, and is {shown(one)}")
        return
    if one.get("apiVersion") != API_VERSION:
        findings.add(f"{path}.apiVersion", f"must be {API_VERSION}, and is {shown(one.get('apiVersion'))}")
        return
    rule = _SPECS.get(str(one.get("kind")))
    if rule is None:
        findings.add(f"{path}.kind", f"must be one of {', '.join(_SPECS)}, and is {shown(one.get('kind'))}")
        return
    fields = {"apiVersion": _anything, "kind": _anything, "metadata": _metadata, "spec": rule}
    findings.mapping(one, path, fields, required=("metadata", "spec"))


def _anything(findings: Findings, value: Any, path: str) -> None:
    """Whatever it is, it is right."""


def _text(findings: Findings, value: Any, path: str) -> None:
    if not isinstance(value, str) or not value.strip():
        findings.add(path, f"must be a text that is not empty, and is {shown(value)}")


def _long_text(findings: Findings, value: Any, path: str) -> None:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        findings.add(path, f"must be a text of at most {_LONGEST_TEXT} characters")


def _flag(findings: Findings, value: Any, path: str) -> None:
    if not isinstance(value, bool):
        findings.add(path, f"must be true or false, and is {shown(value)}")


def _name(findings: Findings, value: Any, path: str) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        findings.add(
            path,
            f"must be of lower-case letters, digits and dashes, 63 at most, and begin and end with a letter "
            f"or digit (RFC 1123), and is {shown(value)}",
        )


def _choice(*allowed: str) -> Rule:
    def rule(findings: Findings, value: Any, path: str) -> None:
        if value not in allowed:
            findings.add(path, f"must be one of {', '.join(allowed)}, and is {shown(value)}")

    return rule


def _pattern(pattern: re.Pattern[str], example: str) -> Rule:
    def rule(findings: Findings, value: Any, path: str) -> None:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            findings.add(path, f"must be written as {example}, and is {shown(value)}")

    return rule


def _number(says: str, holds: Callable[[float], bool]) -> Rule:
    def rule(findings: Findings, value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not holds(value):
            findings.add(path, f"must be {says}, and is {shown(value)}")

    return rule


def _zone(findings: Findings, value: Any, path: str) -> None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        findings.add(path, f"must be a time zone such as UTC or Europe/London, and is {shown(value)}")


def _labels(findings: Findings, value: Any, path: str) -> None:
    if not isinstance(value, Mapping):
        findings.add(path, f"must be a mapping, and is {shown(value)}")
        return
    for name, label in value.items():
        words = label if isinstance(label, list) else [label]
        if not all(isinstance(word, str) for word in words):
            findings.add(f"{path}.{name}", f"must be a text or a list of texts, and is {shown(label)}")


def _list_of(rule: Rule, *, least: int = 0, most: int | None = None) -> Rule:
    def check(findings: Findings, value: Any, path: str) -> None:
        if not isinstance(value, list):
            findings.add(path, f"must be a list, and is {shown(value)}")
            return
        if len(value) < least or (most is not None and len(value) > most):
            wanted = f"exactly {least}" if least == most else f"at least {least}"
            findings.add(path, f"must have {wanted}, and has {len(value)}")
        for index, one in enumerate(value):
            rule(findings, one, f"{path}[{index}]")

    return check


def _metadata(findings: Findings, value: Any, path: str) -> None:
    fields = {"name": _name, "displayName": _long_text, "labels": _labels, "annotations": _labels}
    findings.mapping(value, path, fields, required=("name",))


_duration = _pattern(_DURATION, "5m, 1h, 7d, 2w or 1M")


def _calendar(findings: Findings, value: Any, path: str) -> None:
    fields = {"startTime": _pattern(_MOMENT, "2022-01-01 12:00:00"), "timeZone": _zone}
    findings.mapping(value, path, fields, required=("startTime", "timeZone"))


def _window(findings: Findings, value: Any, path: str) -> None:
    fields = {"duration": _duration, "isRolling": _flag, "calendar": _calendar}
    findings.mapping(value, path, fields, required=("duration",))
    if isinstance(value, Mapping):
        rolling = bool(value.get("isRolling"))
        if rolling and value.get("calendar") is not None:
            findings.add(path, "'calendar' cannot be set when 'isRolling' is true")
        if not rolling and value.get("calendar") is None:
            findings.add(path, "'calendar' must be set when 'isRolling' is false")


def _metric(findings: Findings, value: Any, path: str) -> None:
    def source(findings: Findings, value: Any, path: str) -> None:
        fields = {"metricSourceRef": _name, "type": _text, "spec": _anything}
        findings.mapping(value, path, fields, required=("spec",))

    findings.mapping(value, path, {"metricSource": source}, required=("metricSource",))


def _ratio(findings: Findings, value: Any, path: str) -> None:
    fields = {
        "counter": _flag,
        "good": _metric,
        "bad": _metric,
        "total": _metric,
        "rawType": _choice("success", "failure"),
        "raw": _metric,
    }
    findings.mapping(value, path, fields)
    if not isinstance(value, Mapping) or value.get("raw") is not None:
        return
    findings.one_of(value, path, ("good", "bad"))
    if value.get("total") is None:
        findings.add(f"{path}.total", "is required")


def _sli_spec(findings: Findings, value: Any, path: str) -> None:
    fields = {"description": _long_text, "thresholdMetric": _metric, "ratioMetric": _ratio}
    findings.mapping(value, path, fields)
    findings.one_of(value, path, ("thresholdMetric", "ratioMetric"))


def _indicator(findings: Findings, value: Any, path: str) -> None:
    fields = {"metadata": _metadata, "spec": _sli_spec}
    findings.mapping(value, path, fields, required=("metadata", "spec"))


def _objective(findings: Findings, value: Any, path: str) -> None:
    fields = {
        "displayName": _long_text,
        "op": _choice(*_OPERATORS),
        "value": _number("a number", lambda number: True),
        "target": _number("0 or more and less than 1", lambda number: 0 <= number < 1),
        "targetPercent": _number("0 or more and less than 100", lambda number: 0 <= number < 100),
        "timeSliceTarget": _number("more than 0 and at most 1", lambda number: 0 < number <= 1),
        "timeSliceWindow": _duration,
        "compositeWeight": _number("more than 0", lambda number: number > 0),
        "indicator": _indicator,
        "indicatorRef": _name,
    }
    findings.mapping(value, path, fields)
    findings.one_of(value, path, ("target", "targetPercent"))


def _inline_or_reference(reference: str, kind: str, spec: Rule) -> Rule:
    def rule(findings: Findings, value: Any, path: str) -> None:
        if isinstance(value, Mapping) and reference in value:
            findings.mapping(value, path, {reference: _name})
            return
        fields = {"kind": _choice(kind), "metadata": _metadata, "spec": spec}
        findings.mapping(value, path, fields, required=("kind", "metadata", "spec"))

    return rule


def _condition_spec(findings: Findings, value: Any, path: str) -> None:
    def condition(findings: Findings, value: Any, path: str) -> None:
        fields = {
            "kind": _choice("burnrate"),
            "op": _choice(*_OPERATORS),
            "threshold": _number("a number", lambda number: True),
            "lookbackWindow": _duration,
            "alertAfter": _duration,
        }
        findings.mapping(value, path, fields, required=tuple(fields))

    fields = {"description": _long_text, "severity": _text, "condition": condition}
    findings.mapping(value, path, fields, required=("severity", "condition"))


def _target_spec(findings: Findings, value: Any, path: str) -> None:
    findings.mapping(value, path, {"description": _long_text, "target": _text}, required=("target",))


def _policy_spec(findings: Findings, value: Any, path: str) -> None:
    condition = _inline_or_reference("conditionRef", "AlertCondition", _condition_spec)
    target = _inline_or_reference("targetRef", "AlertNotificationTarget", _target_spec)
    fields = {
        "description": _long_text,
        "alertWhenNoData": _flag,
        "alertWhenResolved": _flag,
        "alertWhenBreaching": _flag,
        "conditions": _list_of(condition, least=1, most=1),
        "notificationTargets": _list_of(target, least=1),
    }
    findings.mapping(value, path, fields, required=("conditions", "notificationTargets"))


def _slo_spec(findings: Findings, value: Any, path: str) -> None:
    policy = _inline_or_reference("alertPolicyRef", "AlertPolicy", _policy_spec)
    fields = {
        "description": _long_text,
        "service": _text,
        "indicator": _indicator,
        "indicatorRef": _name,
        "timeWindow": _list_of(_window, least=1, most=1),
        "budgetingMethod": _choice(*METHODS),
        "objectives": _list_of(_objective, least=1),
        "alertPolicies": _list_of(policy),
    }
    required = ("service", "timeWindow", "budgetingMethod", "objectives")
    findings.mapping(value, path, fields, required=required)
    findings.one_of(value, path, ("indicator", "indicatorRef"))
    if isinstance(value, Mapping):
        _check_slices(findings, value, path)
        _check_threshold(findings, value, path)


def _objectives_of(spec: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    listed = spec.get("objectives")
    found = enumerate(listed if isinstance(listed, list) else ())
    return [(index, one) for index, one in found if isinstance(one, Mapping)]


def _check_slices(findings: Findings, spec: Mapping[str, Any], path: str) -> None:
    method = spec.get("budgetingMethod")
    needed = {
        "Timeslices": ("timeSliceTarget", "timeSliceWindow"),
        "RatioTimeslices": ("timeSliceWindow",),
    }.get(str(method), ())
    for index, objective in _objectives_of(spec):
        for name in needed:
            if objective.get(name) is None:
                findings.add(f"{path}.objectives[{index}].{name}", f"is required with {method}")


def _check_threshold(findings: Findings, spec: Mapping[str, Any], path: str) -> None:
    indicator = spec.get("indicator")
    inner = indicator.get("spec") if isinstance(indicator, Mapping) else None
    if not isinstance(inner, Mapping) or inner.get("thresholdMetric") is None:
        return
    for index, objective in _objectives_of(spec):
        for name in ("op", "value"):
            if objective.get(name) is None:
                findings.add(f"{path}.objectives[{index}].{name}", "is required with a thresholdMetric")


def _service_spec(findings: Findings, value: Any, path: str) -> None:
    findings.mapping(value, path, {"description": _long_text})


def _source_spec(findings: Findings, value: Any, path: str) -> None:
    fields = {"description": _long_text, "type": _text, "connectionDetails": _anything}
    findings.mapping(value, path, fields, required=("type",))


_SPECS: dict[str, Rule] = {
    "SLO": _slo_spec,
    "SLI": _sli_spec,
    "Service": _service_spec,
    "DataSource": _source_spec,
    "AlertPolicy": _policy_spec,
    "AlertCondition": _condition_spec,
    "AlertNotificationTarget": _target_spec,
}

"""References between OpenSLO objects: written out in place (inlined), or taken out again (exported)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from monitoring.domain.openslo import API_VERSION, Findings, Problem

Object: TypeAlias = Mapping[str, Any]

# What may be referred to: the kind, the list it stands in, and the field that refers to it.
_IN_SLO = ("AlertPolicy", "alertPolicies", "alertPolicyRef")
_IN_POLICY = (
    ("AlertNotificationTarget", "notificationTargets", "targetRef"),
    ("AlertCondition", "conditions", "conditionRef"),
)
REFERABLE = frozenset({"SLI", "AlertPolicy", "AlertNotificationTarget", "AlertCondition"})


class UnableToInline(ValueError):
    """A reference names nothing that is here; `problems` say which and where."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(slots=True)
class _Inliner:
    known: Mapping[tuple[str, str], Object]
    kinds: Collection[str]
    findings: Findings = field(default_factory=Findings)
    used: set[tuple[str, str]] = field(default_factory=set)

    def find(self, kind: str, name: str, path: str) -> Object | None:
        found = self.known.get((kind, name))
        if found is None:
            self.findings.add(path, f"refers to the {kind} {name!r}, which is not here")
            return None
        self.used.add((kind, name))
        return found

    def slo(self, one: Object, path: str) -> Object:
        spec = dict(one["spec"])
        if "SLI" in self.kinds and "indicatorRef" in spec:
            found = self.find("SLI", spec["indicatorRef"], f"{path}.spec.indicatorRef")
            if found is not None:
                del spec["indicatorRef"]
                spec["indicator"] = {"metadata": found["metadata"], "spec": found["spec"]}
        self._list(spec, path, _IN_SLO, self.policy)
        return {**one, "spec": spec}

    def policy(self, one: Object, path: str) -> Object:
        spec = dict(one["spec"])
        for place in _IN_POLICY:
            self._list(spec, path, place, lambda inner, _: inner)
        return {**one, "spec": spec}

    def _list(
        self,
        spec: dict[str, Any],
        path: str,
        place: tuple[str, str, str],
        inside: Callable[[Object, str], Object],
    ) -> None:
        kind, name, reference = place
        if not spec.get(name):
            return
        listed = []
        for index, one in enumerate(spec[name]):
            here = f"{path}.spec.{name}[{index}]"
            found = one
            if reference in one:
                if kind in self.kinds:
                    found = self.find(kind, one[reference], f"{here}.{reference}") or one
                if found is not one:
                    found = {"kind": kind, "metadata": found["metadata"], "spec": found["spec"]}
            listed.append(found if reference in found else inside(found, here))
        spec[name] = listed


def inline(
    objects: Sequence[Object], *, kinds: Collection[str] = REFERABLE, keep: bool = False
) -> list[Object]:
    """Return the objects with what they refer to written out in place.

    Only references to `kinds` are; what was written out is left out of the list unless `keep`. The objects
    must hold (`check_objects`).

    Raises:
        UnableToInline: when a reference names nothing that is here.
    """
    known = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    inliner = _Inliner(known, kinds)
    steps = {"SLO": inliner.slo, "AlertPolicy": inliner.policy}
    done = [
        steps[one["kind"]](one, f"[{index}]") if one["kind"] in steps else one
        for index, one in enumerate(objects)
    ]
    if inliner.findings.problems:
        raise UnableToInline(inliner.findings.problems)
    if keep:
        return done
    return [one for one in done if (one["kind"], one["metadata"]["name"]) not in inliner.used]


@dataclass(slots=True)
class _Exporter:
    kinds: Collection[str]
    taken: list[Object] = field(default_factory=list)

    def take(self, kind: str, one: Object) -> str:
        whole = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": one["metadata"],
            "spec": one["spec"],
        }
        self.taken.append(whole)
        return str(one["metadata"]["name"])

    def slo(self, one: Object) -> Object:
        spec = dict(one["spec"])
        if "SLI" in self.kinds and "indicator" in spec:
            spec["indicatorRef"] = self.take("SLI", spec.pop("indicator"))
        self._list(spec, _IN_SLO, self.policy)
        return {**one, "spec": spec}

    def policy(self, one: Object) -> Object:
        spec = dict(one["spec"])
        for place in _IN_POLICY:
            self._list(spec, place, lambda inner: inner)
        return {**one, "spec": spec}

    def _list(
        self, spec: dict[str, Any], place: tuple[str, str, str], inside: Callable[[Object], Object]
    ) -> None:
        kind, name, reference = place
        if not spec.get(name):
            return
        listed: list[Object] = []
        for one in spec[name]:
            if reference in one:
                listed.append(one)
            elif kind in self.kinds:
                listed.append({reference: self.take(kind, inside(one))})
            else:
                listed.append(inside(one))
        spec[name] = listed


def export(objects: Sequence[Object], *, kinds: Collection[str] = REFERABLE) -> list[Object]:
    """Return the objects with what is written out in them as objects of their own, referred to by name.

    The opposite of `inline`. What is there already, by kind and name, is not repeated.
    """
    exporter = _Exporter(kinds)
    steps = {"SLO": exporter.slo, "AlertPolicy": exporter.policy}
    done = [steps[one["kind"]](one) if one["kind"] in steps else one for one in objects]
    seen = {(one["kind"], one["metadata"]["name"]) for one in done}
    for one in exporter.taken:
        key = (one["kind"], one["metadata"]["name"])
        if key not in seen:
            seen.add(key)
            done.append(one)
    return done

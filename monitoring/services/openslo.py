"""Reads SLOs from OpenSLO v1 YAML and writes them as such."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from django.db import transaction

from monitoring.domain.openslo import Problem, check_objects
from monitoring.domain.openslo_references import Object, UnableToInline, inline
from monitoring.domain.openslo_slos import SloDefinition, UnableToMeasure, definitions_of, to_object
from monitoring.domain.slo import SliKind, SloPeriod
from monitoring.models import Endpoint, Slo
from tenancy.services.audit import append_audit
from tenancy.services.members import default_tenant

LARGEST_FILE = 1024 * 1024


class UnableToImport(ValueError):
    """The file is not imported, nothing of it; `problems` say what to mend and where."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, by name."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


class _StrictLoader(yaml.SafeLoader):
    """YAML as OpenSLO means it: times stay texts, a key stands once, and nothing is repeated by alias."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it untyped
            raise yaml.constructor.ConstructorError(
                None, None, "aliases are not read; write it out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise yaml.constructor.ConstructorError(None, None, "keys are texts", key.start_mark)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name!r} stands twice in one mapping", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str) -> list[Any]:
    """The OpenSLO objects of a YAML text: one, a list, or several documents.

    Raises:
        UnableToImport: when it is no such text, with line and column.
    """
    if len(text.encode()) > LARGEST_FILE:
        raise UnableToImport([Problem("", f"is larger than {LARGEST_FILE // 1024} KiB")])
    try:
        documents = list(yaml.load_all(text, Loader=_StrictLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UnableToImport([Problem(where, error.problem or "is no YAML")]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnableToImport([Problem("", f"is no YAML that can be read: {error}")]) from error
    objects: list[Any] = []
    for document in documents:
        objects += document if isinstance(document, list) else [document]
    return objects


def read_definitions(text: str) -> list[SloDefinition]:
    """The SLOs that an OpenSLO text defines.

    Raises:
        UnableToImport: naming every problem and its path.
    """
    objects = read_yaml(text)
    problems = check_objects(objects)
    if problems:
        raise UnableToImport(problems)
    try:
        written_out = inline(objects)
        # A reference may bring a threshold metric, which asks for more of the objective.
        problems = check_objects(written_out)
        if problems:
            raise UnableToImport(problems)
        return definitions_of(written_out)
    except (UnableToInline, UnableToMeasure) as error:
        raise UnableToImport(error.problems) from error


@transaction.atomic
def import_slos(text: str, *, actor: str) -> Imported:
    """This will create or change the SLOs that an OpenSLO text defines, all or none, and audit each change.

    SLOs that the text does not name stay as they are.

    Raises:
        UnableToImport: naming every problem and its path.
    """
    definitions = read_definitions(text)
    endpoints = _endpoints(definitions)
    done: dict[str, list[str]] = {"created": [], "changed": [], "unchanged": []}
    for definition in definitions:
        done[_keep(definition, [endpoints[name] for name in definition.endpoints], actor)].append(
            definition.name
        )
    return Imported(tuple(done["created"]), tuple(done["changed"]), tuple(done["unchanged"]))


def _endpoints(definitions: Sequence[SloDefinition]) -> dict[str, Endpoint]:
    wanted = {name for definition in definitions for name in definition.endpoints}
    found = {endpoint.name: endpoint for endpoint in Endpoint.objects.filter(name__in=wanted)}
    missing = [
        Problem(f"SLO {definition.name}: indicator's endpoints", f"no endpoint is named {name!r}")
        for definition in definitions
        for name in definition.endpoints
        if name not in found
    ]
    if missing:
        raise UnableToImport(missing)
    return found


def _keep(definition: SloDefinition, endpoints: Sequence[Endpoint], actor: str) -> str:
    known = Slo.objects.select_for_update().filter(name=definition.name).first()
    if known is not None and definition_of(known) == definition:
        return "unchanged"
    slo = known or Slo(name=definition.name)
    slo.sli, slo.objective, slo.period = definition.sli.value, definition.objective, definition.period.value
    slo.threshold_ms, slo.title = definition.threshold_ms, definition.title
    slo.description, slo.recovers = definition.description, definition.recovers
    slo.enabled = definition.enabled
    slo.full_clean(validate_unique=False)
    slo.save()
    slo.endpoints.set(endpoints)
    audit_slo(slo, event="slo_changed" if known else "slo_created", actor=actor)
    return "changed" if known else "created"


def audit_slo(slo: Slo, *, event: str, actor: str) -> None:
    """This will note in the audit chain how an SLO reads now."""
    append_audit(
        tenant_id=default_tenant().pk,
        event=event,
        actor=actor,
        metadata={"slo": to_object(definition_of(slo))},
    )


def definition_of(slo: Slo) -> SloDefinition:
    """The stored SLO as people define it. One query, unless its endpoints are prefetched."""
    return SloDefinition(
        name=slo.name,
        sli=SliKind(slo.sli),
        objective=slo.objective.normalize(),
        period=SloPeriod(slo.period),
        threshold_ms=slo.threshold_ms,
        title=slo.title,
        description=slo.description,
        endpoints=tuple(sorted(endpoint.name for endpoint in slo.endpoints.all())),
        recovers=slo.recovers,
        enabled=slo.enabled,
    )


def export_slos() -> str:
    """All SLOs as OpenSLO v1 YAML, which imports to the same. Two queries."""
    rows = Slo.objects.prefetch_related("endpoints").order_by("name")
    objects: list[Object] = [to_object(definition_of(slo)) for slo in rows]
    return yaml.safe_dump(objects, sort_keys=False, allow_unicode=True, width=100)

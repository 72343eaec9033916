"""The criteria as versioned rows: exported and imported as YAML, never edited."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Any

import yaml
from django.db import transaction

from monitoring.domain.policy import Policy
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.models import GatePolicy
from monitoring.services.burn_ins import current_burn_in, use_policy

MOST_BYTES = 64 * 1024


class _StrictLoader(yaml.SafeLoader):
    """Plain values only; a key that is given twice is an error and not the last one's."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise UnableToReadPolicy(f"{key} is given twice, at line {key_node.start_mark.line + 1}.")
            seen.add(key)
        return super().construct_mapping(node, deep)


def to_yaml(policy: Policy) -> str:
    """The policy as YAML, in the order in which it is read."""
    text: str = yaml.safe_dump(policy.to_dict(), sort_keys=False, allow_unicode=True)
    return text


def from_yaml(text: str) -> Policy:
    """What a person wrote. The version may be left out: an import gives the next one.

    Raises:
        UnableToReadPolicy: saying which entry, or which line, is wrong.
    """
    if len(text.encode()) > MOST_BYTES:
        raise UnableToReadPolicy(f"A policy has at most {MOST_BYTES:,} bytes.")
    if any(isinstance(event, yaml.AliasEvent) for event in _events(text)):
        raise UnableToReadPolicy("A policy has no aliases (*name); write each value out.")
    try:
        # A SafeLoader that also refuses a key written twice.
        written = yaml.load(text, Loader=_StrictLoader)  # nosec B506
    except yaml.YAMLError as error:
        raise UnableToReadPolicy(f"This is not YAML: {' '.join(str(error).split())}") from error
    if isinstance(written, dict):
        written.setdefault("version", 1)
    return Policy.from_dict(written)


def _events(text: str) -> list[Any]:
    try:
        return list(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise UnableToReadPolicy(f"This is not YAML: {' '.join(str(error).split())}") from error


@transaction.atomic
def import_policy(
    policy: Policy, *, now: datetime, actor: str, note: str = "", use: bool = False
) -> tuple[GatePolicy, bool]:
    """This will store `policy` as the next version, unless the newest says the same; the row, and whether it
    is new. With `use` the current burn-in is judged by it from now on.

    Raises:
        UnableToChangeBurnIn: with `use`, when no burn-in is open.
    """
    newest = GatePolicy.objects.select_for_update().order_by("-version").first()
    criteria = policy.to_dict()
    if newest is not None and {**newest.criteria, "version": 0} == {**criteria, "version": 0}:
        row, is_new = newest, False
    else:
        version = newest.version + 1 if newest else 1
        row = GatePolicy.objects.create(
            version=version,
            criteria={**criteria, "version": version},
            note=note[:200],
            created_by=actor[:150],
            created_at=now,
        )
        is_new = True
    if use:
        use_policy(row, now=now, actor=actor)
    return row, is_new


def policy_numbered(version: int | None) -> GatePolicy:
    """The policy of that version; without one, the one that is in force.

    Raises:
        UnableToReadPolicy: when there is none.
    """
    if version is None:
        burn_in = current_burn_in()
        row = burn_in.policy if burn_in else GatePolicy.objects.order_by("-version").first()
    else:
        row = GatePolicy.objects.filter(version=version).first()
    if row is None:
        versions = ", ".join(
            str(v) for v in GatePolicy.objects.order_by("version").values_list("version", flat=True)
        )
        raise UnableToReadPolicy(f"There is no such policy; there are: {versions or 'none'}.")
    return row

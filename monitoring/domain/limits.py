"""Limits as people type them: `uptime=99.95`."""

from __future__ import annotations

from collections.abc import Iterable

from monitoring.domain.policy import GateKey, Policy
from monitoring.domain.policy_fields import UnableToReadPolicy


def with_limits(policy: Policy, texts: Iterable[str]) -> Policy:
    """The policy with other limits, each written `gate=limit`; nothing is stored.

    Raises:
        UnableToReadPolicy: for an unknown gate, one that is named twice, or what cannot be its limit.
    """
    seen: set[GateKey] = set()
    for text in texts:
        name, equals, limit = text.partition("=")
        if not equals or not limit.strip():
            raise UnableToReadPolicy(f"{text!r} is no limit; write it as uptime=99.95.")
        try:
            key = GateKey(name.strip())
        except ValueError:
            raise UnableToReadPolicy(
                f"There is no gate {name!r}; the gates are {', '.join(GateKey)}."
            ) from None
        if key in seen:
            raise UnableToReadPolicy(f"{key} is given twice; give each gate one limit.")
        seen.add(key)
        policy = policy.with_limit(key, limit.strip())
    return policy

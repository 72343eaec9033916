"""Changing the alert rules: checked as a whole, audited with what was before."""

from __future__ import annotations

from django.db import transaction
from django.forms.models import model_to_dict

from monitoring.domain.alerting import BadTerms
from monitoring.models import AlertRule
from tenancy.services.audit import append_audit
from tenancy.services.members import default_tenant


class UnableToSaveRule(ValueError):
    """The rule contradicts itself; the message says how to mend it."""


@transaction.atomic
def save_rule(rule: AlertRule, *, actor: str) -> AlertRule:
    """This will store a new or changed rule. It holds from the next evaluation on.

    Raises:
        UnableToSaveRule: when its terms do not hold.
    """
    check_rule(rule)
    known = AlertRule.objects.select_for_update().filter(pk=rule.pk).first() if rule.pk else None
    before = model_to_dict(known) if known else {}
    # Not the instant of the last evaluation: that one is the evaluation's own.
    names = [f.name for f in AlertRule._meta.concrete_fields if f.name not in ("id", "evaluated_at")]
    if known is None:
        rule.save(force_insert=True)
    else:
        rule.save(update_fields=names)
    after = model_to_dict(rule)
    changed = {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}
    if changed:
        append_audit(
            tenant_id=default_tenant().pk,
            event="alert_rule_changed" if known else "alert_rule_added",
            actor=actor,
            metadata={"rule": rule.key, "changed": changed},
        )
    return rule


def check_rule(rule: AlertRule) -> None:
    """Check the terms of a rule.

    Raises:
        UnableToSaveRule: naming what contradicts what.
    """
    try:
        _ = rule.terms
    except BadTerms as error:
        raise UnableToSaveRule(str(error)) from error

"""The form of a Go/No-Go review: one waiver for each open point, or blockers and a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField

from monitoring.domain.reviews import (
    DEFAULT_EXTENSION_DAYS,
    LONGEST_EXTENSION_DAYS,
    BlockerTerms,
    OpenPoint,
    ReviewDraft,
    WaiverTerms,
)
from monitoring.domain.verdicts import Decision
from monitoring.services.reviews import ReviewSheet

_LONGEST = 4000


def _area(label: str, help_text: str, *, rows: int = 3, initial: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=_LONGEST,
        initial=initial,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


def _password(label: str, *, required: bool) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class ReviewForm(forms.Form):
    """`draft()` is what somebody is about to sign. Fields of the other decision are left aside."""

    seal = forms.CharField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(
        choices=[(decision.value, decision.value) for decision in (Decision.NO_GO, Decision.GO)],
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, sheet: ReviewSheet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.points = sheet.points
        self.fields["seal"].initial = sheet.seal
        self.fields["decision"].initial = sheet.verdict.decision.value
        blockers = "\n".join(f"{point.key}: {point.why}" for point in sheet.points)
        self.fields |= {
            "note": _area("Note", "What else was weighed."),
            "blockers": _area("Blockers", "One a line, as SUBJECT: WHAT.", rows=5, initial=blockers),
            "plan": _area("Remediation plan", "What will be done."),
            "plan_owner": forms.CharField(label="Owner", required=False, max_length=150),
            "plan_due": forms.DateField(label="By", required=False, help_text="Such as 2025-11-28."),
            "extension_days": forms.IntegerField(
                label="Extend by (days)",
                required=False,
                min_value=1,
                max_value=LONGEST_EXTENSION_DAYS,
                initial=DEFAULT_EXTENSION_DAYS,
            ),
            "next_review_at": forms.DateTimeField(
                label="Next review (UTC)",
                required=False,
                help_text="Such as 2025-12-01 09:00. Empty: as many days after the review of now.",
            ),
        }
        for point in sheet.points:
            self.fields[f"reason_{point.key}"] = _area("Reason", "", rows=2)
            self.fields[f"until_{point.key}"] = forms.DateTimeField(label="Until (UTC)", required=False)
        self.fields["second_person"] = forms.CharField(
            label="Second person", required=False, max_length=150, help_text="Their user name."
        )
        self.fields["second_password"] = _password("Password of the second person", required=False)
        self.fields["password"] = _password("Your password", required=True)

    def waiver_fields(self) -> Iterator[tuple[OpenPoint, BoundField, BoundField]]:
        """For the template: each open point with its two fields."""
        for point in self.points:
            yield point, self[f"reason_{point.key}"], self[f"until_{point.key}"]

    def no_go_fields(self) -> list[BoundField]:
        """For the template: what belongs to NO-GO."""
        names = ("blockers", "plan", "plan_owner", "plan_due", "extension_days", "next_review_at")
        return [self[name] for name in names]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("decision") == Decision.GO.value:
            for point in self.points:
                if cleaned.get(f"reason_{point.key}") and not cleaned.get(f"until_{point.key}"):
                    self.add_error(f"until_{point.key}", "Until when is it waived?")
        else:
            for line in _lines(cleaned.get("blockers", "")):
                if ":" not in line:
                    self.add_error("blockers", f"Write {line[:60]!r} as SUBJECT: WHAT.")
        return cleaned

    def draft(self) -> ReviewDraft:
        """What was filled in, as the domain reads it."""
        given = self.cleaned_data
        decision = Decision(given["decision"])
        if decision is Decision.GO:
            waivers = tuple(
                WaiverTerms(point.key, given[f"reason_{point.key}"], given[f"until_{point.key}"])
                for point in self.points
                if given[f"reason_{point.key}"]
            )
            return ReviewDraft(decision, note=given["note"], waivers=waivers)
        return ReviewDraft(
            decision,
            note=given["note"],
            blockers=tuple(_blocker(line) for line in _lines(given["blockers"])),
            plan=given["plan"],
            plan_owner=given["plan_owner"],
            plan_due=given["plan_due"],
            extension_days=given["extension_days"] or DEFAULT_EXTENSION_DAYS,
            next_review_at=given["next_review_at"],
        )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _blocker(line: str) -> BlockerTerms:
    subject, _, what = line.partition(":")
    return BlockerTerms(subject.strip(), what.strip())

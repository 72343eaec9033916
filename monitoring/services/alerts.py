"""Evaluates the alert rules: readings in, episodes and notices out, in one transaction for each rule."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from uuid import UUID

from monitoring.domain.alerting import (
    BadTerms,
    Change,
    EpisodeState,
    Mute,
    Phase,
    RuleKind,
    Sample,
    Track,
    advance,
    muted_by,
)
from monitoring.domain.delivery import Event
from monitoring.models import AlertEpisode, AlertRule, AlertTrack, Endpoint
from monitoring.models.bulk import BulkUpdate
from monitoring.services.alert_sources import Reading, endpoint_readings, read_rule
from monitoring.services.mutes import mutes_at
from monitoring.services.outbox import write_notices
from tenancy.context import control_transaction
from tenancy.services.members import default_tenant

logger = logging.getLogger(__name__)

_TRACK_FIELDS = ["phase", "breached_since", "breaches", "resolved_at"]
_EPISODES = BulkUpdate(
    table="alert_episodes",
    key="id",
    columns=(
        ("state", "text"),
        ("summary", "text"),
        ("value", "float8"),
        ("worst_value", "float8"),
        ("told_at", "timestamptz"),
        ("reminded_at", "timestamptz"),
        ("resolved_at", "timestamptz"),
        ("resolution", "text"),
    ),
)


class UnableToEvaluate(Exception):
    """Some rules could not be evaluated; the message names them and says why. The others were."""


@dataclass(slots=True)
class Evaluation:
    """What an evaluation brought: how many rules and subjects, and which episodes changed."""

    rules: int = 0
    subjects: int = 0
    fired: list[AlertEpisode] = field(default_factory=list)
    resolved: list[AlertEpisode] = field(default_factory=list)
    firing: int = 0

    def add(self, other: Evaluation) -> None:
        """Counts `other` in."""
        self.rules += other.rules
        self.subjects += other.subjects
        self.fired += other.fired
        self.resolved += other.resolved
        self.firing += other.firing

    @property
    def sentence(self) -> str:
        """One sentence for the log."""
        return (
            f"{self.rules} rules, {self.subjects} subjects: {len(self.fired)} alerts fired, "
            f"{len(self.resolved)} resolved, {self.firing} firing."
        )


def evaluate_alerts(*, now: datetime, kinds: Collection[RuleKind] | None = None) -> Evaluation:
    """This will read what every rule looks at and fire and resolve alerts, with the notices of each.

    Each rule is a transaction of its own; a rule that fails does not keep the others from being evaluated.
    Two evaluations at once wait for each other, rule by rule.

    Raises:
        UnableToEvaluate: when a rule failed, after the others were evaluated.
    """
    with control_transaction("alerts"):
        rules = list(AlertRule.objects.order_by("id").values_list("pk", "key", "kind"))
    total, failed = Evaluation(), []
    for pk, key, kind in rules:
        if kinds is not None and kind not in kinds:
            continue
        try:
            total.add(_evaluate_rule(pk, now))
        except BadTerms as error:
            failed.append(f"{key}: {error}")
        except Exception as error:
            logger.exception("Unable to evaluate alert rule %s", key)
            failed.append(f"{key}: {type(error).__name__}: {error}")
    if failed:
        raise UnableToEvaluate(f"{total.sentence} Not evaluated: {'; '.join(failed)}")
    return total


def endpoints_flipped(endpoint_ids: Iterable[int], *, now: datetime) -> Evaluation:
    """This will evaluate the rules on endpoints that are down, for these endpoints only, at once.

    Call it in the transaction that stored the change of standing: the alert is there with it or not at all.
    """
    ids = sorted(set(endpoint_ids))
    total = Evaluation()
    rules = AlertRule.objects.select_for_update().filter(kind=RuleKind.ENDPOINT_DOWN.value, enabled=True)
    for rule in rules.order_by("id"):
        endpoints = list(
            Endpoint.objects.filter(pk__in=ids, enabled=True).select_related("state").order_by("id")
        )
        try:
            total.add(_apply(rule, endpoint_readings(rule, endpoints, now), now))
        except BadTerms:
            # The five-minute evaluation says so, loudly; probes are recorded all the same.
            logger.warning("Alert rule %s contradicts itself and is not evaluated.", rule.key)
    return total


def _evaluate_rule(pk: int, now: datetime) -> Evaluation:
    with control_transaction("alerts"):
        rule = AlertRule.objects.select_for_update().get(pk=pk)
        if not rule.enabled:
            return _close_all(rule, now)
        result = _apply(rule, read_rule(rule, now), now)
        AlertRule.objects.filter(pk=pk).update(evaluated_at=now)
        return result


def _close_all(rule: AlertRule, now: datetime) -> Evaluation:
    """A rule that is switched off leaves no alert behind."""
    result = Evaluation()
    for episode in AlertEpisode.objects.select_for_update().filter(rule=rule, resolved_at__isnull=True):
        end_episode(episode, now=now, by="", resolution="The rule was switched off.")
        result.resolved.append(episode)
    AlertTrack.objects.filter(rule=rule).delete()
    return result


@dataclass(slots=True)
class _Turn:
    """One rule's turn: what is known, and what is to be written."""

    rule: AlertRule
    now: datetime
    mutes: list[Mute]
    home: UUID
    tracks: dict[str, AlertTrack]
    episodes: dict[str, AlertEpisode]
    changed_tracks: list[AlertTrack] = field(default_factory=list)
    changed_episodes: dict[int, AlertEpisode] = field(default_factory=dict)
    result: Evaluation = field(default_factory=Evaluation)
    # (event, episode, why nobody is told)
    notices: list[tuple[Event, AlertEpisode, str]] = field(default_factory=list)


def _apply(rule: AlertRule, readings: list[Reading], now: datetime) -> Evaluation:
    pattern = rule.subjects.lower()
    kept = [one for one in readings if not pattern or fnmatchcase(one.name.lower(), pattern)]
    subjects = [one.subject for one in kept]
    turn = _Turn(
        rule=rule,
        now=now,
        mutes=mutes_at(now),
        home=default_tenant().pk,
        tracks={row.subject: row for row in AlertTrack.objects.filter(rule=rule, subject__in=subjects)},
        episodes={
            row.subject: row
            for row in AlertEpisode.objects.select_for_update(of=("self",)).filter(
                rule=rule, subject__in=subjects, resolved_at__isnull=True
            )
        },
    )
    for reading in kept:
        _take_in(turn, reading)
    _write(turn)
    turn.result.rules, turn.result.subjects = 1, len(kept)
    turn.result.firing = AlertEpisode.objects.filter(rule=rule, resolved_at__isnull=True).count()
    return turn.result


def _take_in(turn: _Turn, reading: Reading) -> None:
    row, episode = turn.tracks.get(reading.subject), turn.episodes.get(reading.subject)
    before = _track(row, episode)
    sample = Sample(turn.now, reading.value, reading.breaches)
    after, change = advance(before, sample, turn.rule.terms)
    if change is Change.FIRED:
        episode = _fire(turn, reading, after)
    elif episode is not None:
        _go_on(turn, episode, reading, change)
    # What a firing subject needs is in its episode; only counted breaches and the quiet ones are kept.
    kept = (after.phase, after.breached_since, after.breaches, after.resolved_at)
    if kept != (before.phase, before.breached_since, before.breaches, before.resolved_at):
        row = row or AlertTrack(rule=turn.rule, subject=reading.subject)
        row.phase, row.breached_since = after.phase.value, after.breached_since
        row.breaches, row.resolved_at = list(after.breaches), after.resolved_at
        turn.changed_tracks.append(row)


def _track(row: AlertTrack | None, episode: AlertEpisode | None) -> Track:
    if episode is None:
        if row is None:
            return Track()
        # Without an open episode nothing is firing, whatever the row was left with.
        phase = Phase(row.phase) if row.phase != Phase.FIRING.value else Phase.QUIET
        return Track(phase, row.breached_since, tuple(row.breaches), resolved_at=row.resolved_at)
    return Track(
        phase=Phase.FIRING,
        breached_since=episode.breached_since,
        breaches=tuple(row.breaches) if row else (),
        fired_at=episode.fired_at,
        resolved_at=row.resolved_at if row else None,
        reminded_at=episode.reminded_at,
        acknowledged=episode.state == EpisodeState.ACKNOWLEDGED.value,
    )


def _muted(turn: _Turn, episode: AlertEpisode) -> str:
    mute = muted_by(
        turn.mutes,
        rule=episode.rule_key,
        subject=episode.subject_name,
        endpoint_id=episode.endpoint_id,
        at=turn.now,
    )
    return mute.reason if mute else ""


def _fire(turn: _Turn, reading: Reading, track: Track) -> AlertEpisode:
    rule = turn.rule
    episode = AlertEpisode(
        rule=rule,
        rule_key=rule.key,
        subject=reading.subject,
        subject_name=reading.name[:200],
        tenant_id=reading.tenant_id or turn.home,
        endpoint_id=reading.endpoint_id,
        severity=rule.severity,
        summary=reading.sentence,
        value=reading.value,
        worst_value=reading.value,
        threshold=rule.threshold,
        unit=rule.unit,
        pauses_api_days=rule.pauses_api_days,
        breached_since=track.breached_since or turn.now,
        fired_at=turn.now,
    )
    muted = _muted(turn, episode)
    episode.told_at = None if muted else turn.now
    turn.result.fired.append(episode)
    turn.notices.append((Event.FIRED, episode, muted))
    return episode


def _go_on(turn: _Turn, episode: AlertEpisode, reading: Reading, change: Change | None) -> None:
    before = (episode.value, episode.worst_value)
    if reading.value is not None:
        worst = reading.value if episode.worst_value is None else episode.worst_value
        episode.value = reading.value
        episode.worst_value = turn.rule.terms.worse(worst, reading.value)
    if change is Change.RESOLVED:
        untold = "" if episode.told_at else "Nobody was told of its beginning."
        episode.state, episode.resolved_at = EpisodeState.RESOLVED.value, max(turn.now, episode.fired_at)
        episode.resolution = reading.sentence[:500]
        turn.result.resolved.append(episode)
        turn.notices.append((Event.RESOLVED, episode, untold))
    elif reading.value is not None:
        episode.summary = reading.sentence
        muted = _muted(turn, episode)
        if change is Change.REMINDER:
            episode.reminded_at = turn.now
            turn.notices.append((Event.REMINDER, episode, muted))
        elif episode.told_at is None and not muted and episode.state == EpisodeState.FIRING.value:
            # The silence is over and the alert is not.
            episode.told_at = turn.now
            turn.notices.append((Event.FIRED, episode, ""))
    if change is not None or before != (episode.value, episode.worst_value) or episode.told_at == turn.now:
        turn.changed_episodes[episode.pk] = episode


def _write(turn: _Turn) -> None:
    AlertEpisode.objects.bulk_create(turn.result.fired)
    _EPISODES.run(
        [
            (pk, *(getattr(episode, name) for name, _ in _EPISODES.columns))
            for pk, episode in turn.changed_episodes.items()
        ]
    )
    AlertTrack.objects.bulk_create(
        turn.changed_tracks,
        update_conflicts=True,
        unique_fields=["rule", "subject"],
        update_fields=_TRACK_FIELDS,
    )
    write_notices(turn.notices, channels=turn.rule.channels, rule_name=turn.rule.name, now=turn.now)


def end_episode(episode: AlertEpisode, *, now: datetime, by: str, resolution: str) -> None:
    """This will resolve an open episode, held by a lock, and tell those who were told of its beginning."""
    episode.state, episode.resolved_at = EpisodeState.RESOLVED.value, max(now, episode.fired_at)
    episode.resolved_by, episode.resolution = by[:150], resolution[:500]
    episode.save(update_fields=["state", "resolved_at", "resolved_by", "resolution"])
    AlertTrack.objects.update_or_create(
        rule=episode.rule,
        subject=episode.subject,
        defaults={
            "phase": Phase.QUIET.value,
            "breached_since": None,
            "breaches": [],
            "resolved_at": episode.resolved_at,
        },
    )
    untold = "" if episode.told_at else "Nobody was told of its beginning."
    write_notices(
        [(Event.RESOLVED, episode, untold)],
        channels=episode.rule.channels,
        rule_name=episode.rule.name,
        now=now,
    )

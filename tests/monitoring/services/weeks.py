"""A week of real rows, thin enough to be made in a moment: one probe an hour that speaks for two and a half."""

from datetime import timedelta

from django.db import connections

from monitoring.domain.observing import Source
from monitoring.domain.policy import ErrorRateCriterion, Policy
from monitoring.models import Endpoint, GatePolicy
from monitoring.services.burn_ins import BurnInPlan, begin_burn_in
from monitoring.services.costs import accrue_fixed_costs
from monitoring.services.endpoints import watch_portal
from monitoring.services.recording import record_probes
from tests.factories import NOON, core, make_endpoint, make_result

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = NOON - 9 * DAY
# 10 observations an endpoint and day cannot reach 598 a day.
POLICY = Policy(error_rate=ErrorRateCriterion(min_observations=100))


def observe(endpoint, start, end, *, step=HOUR, bad=()):
    """Probes every `step`; `bad` are (start, end) in which they fail."""
    times = [start + step * n for n in range(int((end - start) / step))]
    results = [make_result(endpoint, at, ok=not any(a <= at < b for a, b in bad)) for at in times]
    record_probes([(endpoint, result) for result in results], source=Source.MONITOR)


def good_week(*, policy=POLICY, until=NOON, bad=(), interval_s=3600):
    """Nine days up to `until` in which everything was observed and good, but for `bad` of the shop."""
    GatePolicy.objects.create(version=1, criteria=policy.to_dict(), created_by="test", created_at=START)
    begin_burn_in(BurnInPlan("week", START, START + 7 * DAY, START + 13 * DAY), now=START, actor="test")
    for day in range(10):
        accrue_fixed_costs(now=START + day * DAY)
    shop = make_endpoint("shop", critical=True, now=START, interval_s=interval_s)
    watch_portal(base_url="http://127.0.0.1:8000", tenant=core(), now=START)
    Endpoint.objects.exclude(pk=shop.pk).update(interval_s=3600, critical=False)
    Endpoint.objects.update(created_at=START)
    for endpoint in [shop, *Endpoint.objects.filter(intelligence_api=True)]:
        observe(endpoint, START, until, bad=bad if endpoint == shop else ())
    return shop


def as_owner(sql, *params):
    """Change rows as only the database's owner can: what an intruder with all rights would do."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, params)

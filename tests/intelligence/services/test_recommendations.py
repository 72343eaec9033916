import pytest

from intelligence.domain.words import RecommendationState
from intelligence.models import IntelRecommendation
from intelligence.services.newest import newest_findings
from intelligence.services.recommendations import settle_recommendations
from tenancy.context import tenant_transaction
from tests.factories import NOON, core, make_tenant
from tests.furnished import add_findings

pytestmark = pytest.mark.django_db


def test_settle_recommendations_settles_the_open_ones_once():
    add_findings(core(), now=NOON)
    with tenant_transaction(core()):
        ids = list(IntelRecommendation.objects.values_list("pk", flat=True))

        first = settle_recommendations(ids=ids, state=RecommendationState.DONE)
        again = settle_recommendations(ids=ids, state=RecommendationState.DISMISSED)

        assert (first, again) == (1, 0)
        assert IntelRecommendation.objects.get().state == "done"
        assert newest_findings().recommendations == ()


def test_one_tenant_settles_nothing_of_another():
    mine, other = make_tenant("Bolt"), make_tenant("Acme")
    add_findings(other, now=NOON)
    with tenant_transaction(other):
        ids = list(IntelRecommendation.objects.values_list("pk", flat=True))

    with tenant_transaction(mine):
        settled = settle_recommendations(ids=ids, state=RecommendationState.DONE)

    with tenant_transaction(other):
        assert settled == 0
        assert IntelRecommendation.objects.get().state == "open"

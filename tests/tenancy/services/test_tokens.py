from datetime import timedelta

import pytest

from tenancy.domain.tokens import TokenScope
from tenancy.models import ApiToken
from tenancy.services.members import create_token
from tenancy.services.tokens import revoke_tokens
from tests.factories import NOON
from tests.people import make_superuser

pytestmark = pytest.mark.django_db


def test_revoke_tokens_ends_them_once():
    user = make_superuser()
    for name in ("one", "two"):
        create_token(user=user, name=name, scope=TokenScope.READ, now=NOON, lifetime=None)
    one = ApiToken.objects.get(name="one")

    first = revoke_tokens(ids=[one.pk], now=NOON)
    again = revoke_tokens(ids=[one.pk], now=NOON + timedelta(days=1))

    one.refresh_from_db()
    assert (first, again, one.revoked_at) == (1, 0, NOON)
    assert not one.is_valid_at(NOON)
    assert ApiToken.objects.get(name="two").is_valid_at(NOON)

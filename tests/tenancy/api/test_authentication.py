from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from rest_framework.test import APIClient

from tenancy.domain.modes import TenantStatus
from tenancy.domain.tokens import TokenScope
from tenancy.models import ApiToken, TenantUser
from tests.cast import client_of, make_cast, token_of

pytestmark = pytest.mark.django_db

URL = "/api/intelligence/anomalies"


@pytest.fixture
def cast():
    return make_cast()


def ask(token, scheme="Bearer"):
    return APIClient().get(URL, headers={"Authorization": f"{scheme} {token}"})


def test_a_token_is_stored_as_its_hash_only(cast):
    token = token_of(cast.alice)

    row = ApiToken.objects.get(user=cast.alice)
    assert token not in {str(getattr(row, field.attname)) for field in ApiToken._meta.fields}
    assert token.startswith(row.prefix)
    assert len(row.prefix) == 12


def test_a_valid_token_opens(cast):
    assert ask(token_of(cast.alice)).status_code == 200
    assert ask(token_of(cast.alice), scheme="bearer").status_code == 200


def test_an_expired_token_opens_nothing(cast):
    token = token_of(cast.alice, days=1)

    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, seconds=1)):
        response = ask(token)

    assert response.status_code == 401


def test_a_token_without_expiry_lives_on(cast):
    token = token_of(cast.alice, days=None)

    with time_machine.travel(datetime.now(UTC) + timedelta(days=4000)):
        assert ask(token).status_code == 200


def test_a_revoked_token_opens_nothing(cast):
    token = token_of(cast.alice)
    ApiToken.objects.filter(user=cast.alice).update(revoked_at=datetime.now(UTC))

    assert ask(token).status_code == 401


def test_the_token_of_an_inactive_user_opens_nothing(cast):
    token = token_of(cast.alice)
    cast.alice.is_active = False
    cast.alice.save()

    assert ask(token).status_code == 401


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"),
        lambda t: t[:-1],
        lambda t: t + "A",
        lambda t: t.swapcase(),
        lambda t: t.removeprefix("lvq_"),
        lambda t: f"{t} {t}",
        lambda t: t + "é",
        lambda t: "",
        lambda t: "lvq_" + "\0" * 10,
        lambda t: "' OR 1=1 --",
    ],
)
def test_an_edited_token_opens_nothing_and_is_told_nothing(cast, edit):
    response = ask(edit(token_of(cast.alice)))

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["error"]["message"] == "The token is not valid: unknown, expired or revoked."


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": ""}])
def test_without_a_bearer_token_it_is_401(cast, header):
    response = APIClient().get(URL, headers=header)

    assert (response.status_code, response.json()["error"]["type"]) == (401, "unauthorized")


def test_a_session_opens_no_api(cast):
    client = APIClient()
    client.force_login(cast.alice)

    assert client.get(URL).status_code == 401


def test_a_read_token_may_not_write_and_a_write_token_may_read():
    assert not TokenScope.READ.allows(TokenScope.WRITE)
    assert TokenScope.WRITE.allows(TokenScope.READ)


def test_last_use_is_written_once_an_hour(cast):
    token = token_of(cast.alice)
    noon = datetime(2025, 11, 15, 12, 20, tzinfo=UTC)
    for minutes in (0, 30, 50):
        with time_machine.travel(noon + timedelta(minutes=minutes), tick=False):
            ask(token)
            used = ApiToken.objects.get(user=cast.alice).last_used_at
            assert used == datetime(2025, 11, 15, 12 if minutes < 40 else 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_X_TENANT_ID": "{other}"},
        {"HTTP_X_TENANT_ID": "{own},{other}"},
        {"HTTP_X_TENANT_ID": "{other},{own}"},
        {"HTTP_X_TENANT_ID": " {OWN}"},
        {"HTTP_X_TENANT_ID": "a\0b"},
        {"HTTP_X_TENANT_ID": "x" * 5000},
        {"HTTP_X_TENANT_ID": "é"},
    ],
)
def test_the_tenant_header_only_chooses_among_ones_own(cast, headers):
    words = {"own": cast.tenant.ext_id, "other": cast.other.ext_id, "OWN": cast.tenant.ext_id.lower()}
    sent = {name: value.format(**words) for name, value in headers.items()}

    response = client_of(cast.alice).get(URL, **sent)

    assert response.status_code == 404
    assert response.json()["error"] == {"type": "not_found", "message": "No such tenant."}


def test_a_member_who_left_is_refused_on_the_next_request(cast):
    bob = client_of(cast.bob)
    assert bob.get(URL).status_code == 200

    TenantUser.objects.filter(user=cast.bob).delete()

    assert bob.get(URL).status_code == 404


@pytest.mark.parametrize("status", [s for s in TenantStatus if s is not TenantStatus.ACTIVE])
def test_a_tenant_that_is_not_active_is_like_none(cast, status):
    alice = client_of(cast.alice)
    cast.tenant.status = status.value
    cast.tenant.save()

    assert alice.get(URL).status_code == 404

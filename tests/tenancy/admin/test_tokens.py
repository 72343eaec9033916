import re

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from tenancy.domain.tokens import TokenScope, digest_of
from tenancy.models import ApiToken
from tenancy.services.members import create_token
from tests.factories import make_tenant
from tests.people import browser_of, make_person, make_superuser

pytestmark = pytest.mark.django_db

ADD, LIST = "/admin/tenancy/apitoken/add/", "/admin/tenancy/apitoken/"


def typed(user, **given):
    return {"user": user.pk, "name": "ci", "scope": "read", "lifetime": "90d", **given}


def test_a_token_is_shown_once_and_stored_as_a_hash():
    ada = make_superuser()
    browser = browser_of(ada)

    made = browser.post(ADD, typed(ada))

    shown = re.search(r"lvq_[A-Za-z0-9_-]+", made.text)[0]
    token = ApiToken.objects.get()
    assert made.status_code == 200
    assert "no-store" in made["Cache-Control"]
    assert token.digest == digest_of(shown)
    assert (token.expires_at - timezone.now()).days in (89, 90)
    assert LogEntry.objects.get().object_id == str(token.pk)
    # Neither in any page after it, nor in a cookie or the session.
    for address in (LIST, f"{LIST}{token.pk}/change/", "/admin/"):
        text = browser.get(address).text
        assert shown not in text
        assert token.digest not in text
    assert shown not in str(browser.cookies)
    assert shown not in str(dict(browser.session))


@pytest.mark.parametrize("lifetime", ["soon", "-1d", "0d", "90"])
def test_a_lifetime_that_is_none_is_refused(lifetime):
    ada = make_superuser()

    answer = browser_of(ada).post(ADD, typed(ada, lifetime=lifetime))

    assert "is no lifetime" in answer.text
    assert not ApiToken.objects.exists()


def test_a_token_may_live_until_it_is_revoked():
    ada = make_superuser()

    browser_of(ada).post(ADD, typed(ada, lifetime=""))

    assert ApiToken.objects.get().expires_at is None


def test_only_a_superuser_makes_a_token_in_somebody_else_s_name():
    ada, paul = make_superuser(), make_person("paul", "platform admin")
    browser = browser_of(paul)

    for_other = browser.post(ADD, typed(ada))
    for_self = browser.post(ADD, typed(paul))

    assert for_other.status_code == 200
    assert "Select a valid choice" in for_other.text
    assert "lvq_" in for_self.text
    assert [token.user for token in ApiToken.objects.all()] == [paul]


def test_revoking_is_an_action_with_a_log_entry():
    ada = make_superuser()
    create_token(user=ada, name="ci", scope=TokenScope.READ, now=timezone.now(), lifetime=None)
    token = ApiToken.objects.get()

    browser_of(ada).post(LIST, {"action": "revoke", "_selected_action": [token.pk]})

    token.refresh_from_db()
    assert not token.is_valid_at(timezone.now())
    assert LogEntry.objects.get().change_message == "Revoked."


def test_tenant_staff_see_and_revoke_their_own_tokens_only():
    bolt = make_tenant("Bolt")
    tina, tom = (make_person(name, "tenant admin", tenant=bolt) for name in ("tina", "tom"))
    for user in (tina, tom):
        create_token(
            user=user, name=f"of {user.username}", scope=TokenScope.READ, now=timezone.now(), lifetime=None
        )
    browser = browser_of(tina)
    every = list(ApiToken.objects.values_list("pk", flat=True))

    text = browser.get(LIST).text
    browser.post(LIST, {"action": "revoke", "_selected_action": every})

    assert "of tina" in text
    assert "of tom" not in text
    assert ApiToken.objects.get(user=tina).revoked_at is not None
    assert ApiToken.objects.get(user=tom).revoked_at is None

import io
import json

import pytest
from django.contrib.auth.models import Permission

from monitoring.domain.occasions import Occasion
from monitoring.models import CostEntry, Verdict
from monitoring.services.verdicts import store_verdict
from monitoring.verifier.verify import check_bundle, read_bundle
from tests.factories import NOON
from tests.monitoring.services.weeks import DAY, HOUR, good_week
from tests.people import browser_of, make_person, make_superuser

pytestmark = pytest.mark.django_db

LIST = "/admin/monitoring/verdict/"
PAGE = f"{LIST}1/change/"


@pytest.fixture(autouse=True)
def _own_place(settings, tmp_path):
    settings.LEVQOR_VAR = tmp_path / "var"


@pytest.fixture
def stored():
    good_week(bad=[(NOON - 3 * DAY, NOON - 3 * DAY + 2 * HOUR)])
    return store_verdict(now=NOON, occasion=Occasion.DAILY, actor="ada")


def test_list_shows_the_chain(stored):
    text = browser_of(make_superuser()).get(LIST).text

    assert "✕ NO-GO" in text
    assert "Judge the past again" in text
    assert "daily" in text


def test_page_shows_what_was_stored(stored):
    text = browser_of(make_superuser()).get(PAGE).text

    assert stored.hash in text
    assert json.loads(stored.record)["rows"]["merkle_root"] in text
    assert "Five gates over the trailing window, which decides" in text
    assert "Not deciding: the burn-in&#x27;s own window" in text
    assert "Limits that were missed: gates.uptime from 99.98 to" in text


def test_page_judges_under_other_limits_without_storing(stored):
    browser = browser_of(make_superuser())

    eased = browser.get(f"{PAGE}?uptime=90&error_rate=0.5").text
    wrong = browser.get(f"{PAGE}?uptime=lots").text
    same = browser.get(f"{PAGE}?uptime=99.98").text

    assert "Under uptime=90; not stored." in eased
    assert "For lack of evidence" in eased
    assert "gates.uptime.min_percent must be a number" in wrong
    assert "not stored." not in same
    assert Verdict.objects.count() == 1


def test_page_derives_the_verdict_again(stored):
    browser = browser_of(make_superuser())

    untouched = browser.post(f"{LIST}1/verify/").text
    CostEntry.objects.filter(day="2025-11-12", service="database").update(amount=1)
    touched = browser.post(f"{LIST}1/verify/").text

    assert "✓ identical" in untouched
    assert "cost_entries" in touched
    assert "amount was 2, is 1." in touched
    assert browser.get(f"{LIST}1/verify/").status_code == 405


def test_evidence_downloads_and_holds(stored):
    answer = browser_of(make_superuser()).get(f"{LIST}1/evidence/")

    assert answer["Content-Disposition"] == 'attachment; filename="verdict-1-evidence.zip"'
    assert check_bundle(read_bundle(io.BytesIO(answer.content))) == []


def test_evidence_without_a_usable_key_says_how_to_mend_it(stored, settings):
    settings.EVIDENCE_SIGNING_KEY = "short"
    browser = browser_of(make_superuser())

    answer = browser.get(f"{LIST}1/evidence/")

    assert (answer.status_code, "64 hexadecimal digits" in answer.text) == (409, True)
    assert "64 hexadecimal digits" in browser.get(PAGE).text


@pytest.mark.parametrize("at", ["2025-11-14T09:00Z", "2025-11-14T09:00", "2025-11-14T10:00+01:00"])
def test_the_past_is_judged_again(stored, at):
    text = browser_of(make_superuser()).get(f"{LIST}replay/", {"at": at}).text

    assert "judged 2025-11-14T09:00:00Z" in text
    assert Verdict.objects.count() == 1


@pytest.mark.parametrize(
    ("at", "message"),
    [("soon", "is no instant"), ("2999-01-01T00:00Z", "still to come"), ("2025-02-30T00:00Z", "day")],
)
def test_what_cannot_be_judged_again_is_said(stored, at, message):
    assert message in browser_of(make_superuser()).get(f"{LIST}replay/", {"at": at}).text


def test_nobody_adds_changes_or_deletes_a_verdict(stored):
    browser = browser_of(make_superuser())

    assert browser.get(f"{LIST}add/").status_code == 403
    assert browser.post(f"{LIST}1/delete/", {"post": "yes"}).status_code == 403
    assert browser.get(f"{LIST}99/change/").status_code == 404
    assert browser.get(f"{LIST}x/change/").status_code == 404
    assert Verdict.objects.get().decision == "NO-GO"


def test_board_links_the_last_stored_verdict(stored):
    text = browser_of(make_superuser()).get("/admin/").text

    assert f'<a href="{PAGE}">verdict 1</a>' in text


@pytest.mark.parametrize(
    ("permission", "address", "method"),
    [
        ("replay_verdict", f"{LIST}replay/", "get"),
        ("replay_verdict", f"{LIST}1/verify/", "post"),
        ("export_evidence", f"{LIST}1/evidence/", "get"),
    ],
)
def test_replay_and_evidence_need_their_own_rights(stored, permission, address, method):
    person = make_person("vic")
    person.user_permissions.set(Permission.objects.filter(codename__in=["view_verdict", "use_control_plane"]))
    ask = getattr(browser_of(person), method)

    assert browser_of(person).get(PAGE).status_code == 200
    assert "Derived again" not in browser_of(person).get(PAGE).text
    assert ask(address).status_code == 403
    person.user_permissions.add(Permission.objects.get(codename=permission))
    person = type(person).objects.get(pk=person.pk)
    assert getattr(browser_of(person), method)(address).status_code == 200

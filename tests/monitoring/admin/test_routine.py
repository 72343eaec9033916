"""The pages of the routine: daily check, checkpoint, review, report."""

import pytest
import time_machine
from django.urls import reverse

from levqor.celery import app as celery_app
from monitoring.models import Checkpoint, OpsLogEntry, Review
from monitoring.services.publishing import TASK
from monitoring.services.reviews import gather_review_sheet
from tests.factories import NOON
from tests.monitoring.services.weeks import DAY, good_week
from tests.people import PASSWORD, browser_of, make_person, make_superuser

pytestmark = pytest.mark.django_db
DAILY = "/admin/monitoring/opslogentry/daily-check/"
SIGN = "/admin/monitoring/review/sign/"
REPORT = "/admin/monitoring/checkpoint/report/"


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOON, tick=False):
        good_week()
        yield


def draft(decision, **fields):
    return {"seal": gather_review_sheet(now=NOON).seal, "decision": decision, "extension_days": 7, **fields}


def test_operator_records_the_day_then_amends_it():
    browser = browser_of(make_person("otto", "operator"))

    before = browser.get(DAILY).content.decode()
    browser.post(DAILY, {"text": "quiet <b>night</b>"})
    after = browser.get(DAILY).content.decode()
    browser.post(DAILY, {"amend": "1", "text": "one more thing"})

    assert [f"{number}. " in before for number in range(1, 7)] == [True] * 6
    assert "Record the day" in before
    assert "quiet &lt;b&gt;night" in after
    assert "Amend by a further entry" in after
    assert list(OpsLogEntry.objects.order_by("id").values_list("kind", "actor")) == [
        ("daily", "otto"),
        ("amendment", "otto"),
    ]


def test_second_record_of_a_day_is_refused_in_words():
    browser = browser_of(make_superuser())
    browser.post(DAILY, {"text": ""})

    answer = browser.post(DAILY, {"text": ""}, follow=True)

    assert "It is never changed; amend it" in answer.content.decode()


def test_viewer_of_a_tenant_sees_none_of_it():
    browser = browser_of(make_person("vera", "viewer"))

    assert [browser.get(page).status_code for page in (DAILY, SIGN, REPORT)] == [403] * 3


def test_reviewer_may_look_but_operator_may_not_sign():
    browser = browser_of(make_person("otto", "operator"))

    assert "Signing needs the right" in browser.get(SIGN).content.decode()
    assert browser.post(SIGN, draft("NO-GO")).status_code == 403


def test_no_go_is_signed_with_a_password():
    make_superuser("ada", password=PASSWORD)
    from django.contrib.auth.models import User

    browser = browser_of(User.objects.get(username="ada"))
    given = draft(
        "NO-GO",
        blockers="uptime: too low",
        plan="Mend",
        plan_owner="otto",
        plan_due="2025-11-20",
        password=PASSWORD,
    )

    wrong = browser.post(SIGN, {**given, "password": "guess"})
    bad_line = browser.post(SIGN, {**given, "blockers": "no colon"})
    no_plan = browser.post(SIGN, {**given, "plan": ""})
    answer = browser.post(SIGN, given)

    assert "This is not the password of ada." in wrong.content.decode()
    assert "as SUBJECT: WHAT." in bad_line.content.decode()
    assert "needs a remediation plan" in no_plan.content.decode()
    review = Review.objects.get()
    assert answer["Location"] == reverse("admin:monitoring_review_change", args=[review.pk])
    page = browser.get(answer["Location"]).content.decode()
    assert "too low" in page
    assert "NO-GO" in browser.get("/admin/monitoring/review/").content.decode()
    assert "A signed review stands" in browser.get(SIGN).content.decode()


def test_go_against_the_verdict_takes_waivers_and_the_second_person_s_password():
    ada = make_superuser("ada", password=PASSWORD)
    make_superuser("rita", password="battery-horse-staple")
    points = gather_review_sheet(now=NOON).points
    until = f"{NOON + 7 * DAY:%Y-%m-%d %H:%M}"
    given = draft("GO", password=PASSWORD, second_person="rita", second_password="battery-horse-staple")
    for point in points:
        given |= {f"reason_{point.key}": "Known.", f"until_{point.key}": until}
    browser = browser_of(ada)

    no_end = browser.post(SIGN, {**given, f"until_{points[0].key}": ""})
    wrong = browser.post(SIGN, {**given, "second_password": "guess"})
    left_out = browser.post(SIGN, {**given, f"reason_{points[0].key}": ""})
    browser.post(SIGN, given)

    assert "Until when is it waived?" in no_end.content.decode()
    assert "This is not the password of rita." in wrong.content.decode()
    assert f"GO needs a waiver of {points[0].key}" in left_out.content.decode()
    review = Review.objects.get()
    assert (review.decision, review.verdict.decision) == ("GO", "NO-GO")
    assert {one.second_person for one in review.waivers.all()} == {"rita"}


def test_checkpoint_is_taken_and_shown():
    browser = browser_of(make_person("rita", "reviewer"))

    answer = browser.post("/admin/monitoring/checkpoint/take/", follow=True)

    assert "The checkpoint is taken." in answer.content.decode()
    assert Checkpoint.objects.get().taken_by == "rita"
    assert "Take a checkpoint now" in browser.get("/admin/monitoring/checkpoint/").content.decode()


def test_checkpoint_needs_its_right():
    browser = browser_of(make_person("vera", "viewer"))

    assert browser.post("/admin/monitoring/checkpoint/take/").status_code == 403
    assert browser.get("/admin/monitoring/checkpoint/take/").status_code == 405


def test_report_is_shown_downloaded_and_handed_to_a_worker(django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr(
        "monitoring.services.publishing.current_app.send_task",
        lambda *given, **named: sent.append((given, named)),
    )
    browser = browser_of(make_superuser())

    page = browser.get(REPORT).content.decode()
    html = browser.get(f"{REPORT}html/")
    markdown = browser.get(f"{REPORT}markdown/")
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(f"{REPORT}publish/")

    assert page.count('class="chart"') >= 5
    assert html["Content-Disposition"] == 'attachment; filename="burn-in-2025-11-15-1200.html"'
    assert markdown.content.decode().startswith("# Burn-in report")
    assert browser.get(f"{REPORT}pdf/").status_code == 404
    assert sent == [((TASK,), {"kwargs": {"actor": "ada"}})]
    assert TASK in celery_app.tasks

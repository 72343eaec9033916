"""The console, page by page, as people with different rights see it."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from levqor.menu import SECTIONS, UNSORTED, in_sections
from levqor.roles import ROLES, ensure_roles
from monitoring.models import Endpoint, HealthLog, Incident, JobRun
from monitoring.services.judging import judge, open_burn_in
from tenancy.models import Tenant
from tests.factories import core, make_endpoint, make_tenant
from tests.furnished import add_findings, furnish, observe
from tests.people import PASSWORD, browser_of, make_person, make_superuser

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OF_THE_PLATFORM = {
    *("intelligence.HealRule", "intelligence.ScalingCheck"),
    *("monitoring.BurnIn", "monitoring.GatePolicy", "monitoring.Incident", "monitoring.CostEntry"),
    *("monitoring.Verdict", "monitoring.AlertRule", "monitoring.Silence", "monitoring.MaintenanceWindow"),
    *("monitoring.FixedCost", "monitoring.JobRun", "monitoring.JobSchedule", "auth.User", "auth.Group"),
}

ADDABLE = {
    "monitoring.Slo",
    "intelligence.HealRule",
    *("monitoring.AlertRule", "monitoring.Silence", "monitoring.MaintenanceWindow"),
    *("monitoring.BurnIn", "monitoring.Incident", "monitoring.Endpoint", "monitoring.CostEntry"),
    *("monitoring.FixedCost", "tenancy.Tenant", "tenancy.TenantUser", "tenancy.ApiToken"),
    *("auth.User", "auth.Group"),
}


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def named(model):
    return model._meta.label


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()


@pytest.fixture
def furnished():
    user = make_superuser()
    furnish(user, now=timezone.now())
    return browser_of(user)


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_every_list_and_its_first_row_open_for_the_platform_admin(model, furnished):
    listed = furnished.get(address(model, "changelist"))

    assert listed.status_code == 200
    found = re.search(rf'href="({re.escape(address(model, "changelist"))}[^"?/]+/change/)', listed.text)
    assert found, "the list shows no row"
    assert furnished.get(found[1]).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_every_add_page_opens_where_people_add_and_nowhere_else(model, furnished):
    answer = furnished.get(address(model, "add"))

    assert answer.status_code == (200 if named(model) in ADDABLE else 403)


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_nothing_is_deleted_in_the_admin(model, furnished):
    listed = furnished.get(address(model, "changelist"))
    first = re.search(r"/([^/]+)/change/", listed.text)[1]

    assert furnished.get(address(model, "delete", first)).status_code == 403
    assert "delete_selected" not in listed.text


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_every_action_declares_its_permission(model):
    for action in admin.site._registry[model].actions:
        function = getattr(admin.site._registry[model], action) if isinstance(action, str) else action

        assert getattr(function, "allowed_permissions", ()), f"{named(model)}.{action} needs no permission"


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_every_page_is_refused_to_who_has_no_permission(model, furnished):
    person = browser_of(make_person("nobody", tenant=core()))

    assert person.get(address(model, "changelist")).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_a_viewer_of_the_platform_changes_nothing(model, furnished):
    viewer = make_person("vera", "viewer")
    viewer.user_permissions.add(_permission("use_control_plane"))
    person = browser_of(viewer)

    listed = person.get(address(model, "changelist"))

    assert listed.status_code == (
        200 if f"{model._meta.app_label}.view_{model._meta.model_name}" in ROLES["viewer"] else 403
    )
    assert person.get(address(model, "add")).status_code == 403
    if listed.status_code == 200:
        page = person.get(
            re.search(rf'href="({re.escape(address(model, "changelist"))}[^"?/]+/change/)', listed.text)[1]
        )
        assert 'name="_save"' not in page.text
        assert 'name="action"' not in listed.text or "CSV" in listed.text


def _permission(codename):
    return Permission.objects.get(codename=codename)


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_the_staff_of_one_tenant_see_no_name_of_another(model, furnished):
    mine, other = make_tenant("Bolt"), make_tenant("Zephyr Secret")
    for tenant, word in ((mine, "bolt"), (other, "zephyr")):
        observe(make_endpoint(f"{word} endpoint", tenant=tenant), now=timezone.now())
        add_findings(tenant, now=timezone.now(), word=word)
        make_person(f"{word} member", "tenant admin", tenant=tenant)
    person = browser_of(User.objects.get(username="bolt member"))

    answer = person.get(address(model, "changelist"))

    assert answer.status_code in (200, 403)
    assert "zephyr" not in answer.text.lower()
    assert "furnished" not in answer.text
    if named(model) in OF_THE_PLATFORM:
        assert answer.status_code == 403


def test_the_staff_of_one_tenant_open_no_row_of_another():
    mine, other = make_tenant("Bolt"), make_tenant("Zephyr")
    endpoint = make_endpoint("zephyr endpoint", tenant=other)
    person = browser_of(make_person("tina", "tenant admin", tenant=mine))

    changed = person.get(address(Endpoint, "change", endpoint.pk))
    history = person.get(address(Endpoint, "history", endpoint.pk))
    tenant = person.get(address(Tenant, "change", other.pk))

    # Django's answer to a row that is not there is the board, with a message.
    assert [answer.status_code for answer in (changed, history, tenant)] == [302, 302, 302]


@pytest.mark.parametrize("role", ROLES)
def test_the_board_opens_for_every_role(role):
    make_endpoint("api")
    person = browser_of(make_person("otto", role, tenant=core()))

    answer = person.get("/admin/")

    assert answer.status_code == 200
    assert ("NO-GO" in answer.text) is ("tenancy.use_control_plane" in ROLES[role])
    assert "api" in answer.text


def test_a_tenant_s_board_names_no_other_tenant():
    mine, other = make_tenant("Bolt"), make_tenant("Zephyr")
    for tenant, word in ((mine, "bolt"), (other, "zephyr")):
        make_endpoint(f"{word} endpoint", tenant=tenant)
        add_findings(tenant, now=timezone.now(), word=word)
    person = browser_of(make_person("tina", "tenant admin", tenant=mine))

    text = person.get("/admin/").text

    assert "bolt endpoint" in text
    assert "Mind bolt." in text
    assert "zephyr" not in text.lower()
    assert "NO-GO" not in text


def test_staff_without_a_tenant_are_told_what_to_do():
    answer = browser_of(make_person("lost", "viewer")).get("/admin/")

    assert answer.status_code == 200
    assert "belongs to no tenant" in answer.text


def test_an_empty_board_says_so():
    text = browser_of(make_superuser()).get("/admin/").text

    assert "for lack of evidence" in text
    assert "No endpoint is watched yet" in text
    assert "the first probe comes within 30 s" in text
    assert "No burn-in is open" in text
    assert "No data yet: today has no cost entry" in text
    assert text.count("no data") >= 5
    assert "100.000 %" not in text


def test_the_board_shows_what_the_judge_says():
    now = timezone.now()
    open_burn_in(name="b", starts_at=now - timedelta(days=2), days=7, review_after=timedelta(6), actor="t")
    observe(make_endpoint("api", critical=True), now=now)
    Incident.objects.create(title="Fire", severity="P1", opened_at=now, opened_by="ada")

    context = browser_of(make_superuser()).get("/admin/").context
    verdict = judge(now=context["verdict"].judged_at)

    assert context["verdict"] == verdict
    assert context["headline"].decision == verdict.decision.value
    assert [card.chip.word for card in context["gates"]] == [gate.standing.value for gate in verdict.gates]
    assert [card.value for card in context["gates"]][2] == "1"


def test_the_board_says_how_old_it_is_and_links_to_the_rows_behind_its_numbers(furnished):
    text = furnished.get("/admin/").text

    assert re.search(r'judged <span class="age"><time [^>]*data-age="\d+"', text)
    for path in ("outage/", "healthlog/?range=24h", "incident/?severity__exact=P1", "costentry/"):
        assert f'href="/admin/monitoring/{path}"' in text
        assert furnished.get(f"/admin/monitoring/{path}").status_code == 200
    assert 'href="/admin/monitoring/jobrun/?job=slo_monitoring"' in text
    assert furnished.get("/admin/monitoring/jobrun/?job=slo_monitoring").status_code == 200


def test_the_board_escapes_what_people_typed():
    now = timezone.now()
    Incident.objects.create(title="<script>alert(1)</script>", severity="P2", opened_at=now, opened_by="x")
    make_endpoint("<img src=x onerror=alert(1)>", url="https://example.com/x")

    text = browser_of(make_superuser()).get("/admin/").text

    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_the_fragment_is_the_board_without_the_page_around_it(furnished):
    fragment = furnished.get("/admin/board/")

    assert fragment.status_code == 200
    assert "Five gates" in fragment.text
    assert "<html" not in fragment.text
    assert browser_of(make_person("lost")).get("/admin/board/").status_code == 200
    furnished.logout()
    assert furnished.get("/admin/board/").status_code == 302


def test_the_page_of_the_board_asks_as_many_queries_with_few_endpoints_as_with_many(furnished):
    def queries():
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            assert furnished.get("/admin/").status_code == 200
        return len(asked)

    few = queries()
    for number in range(57):
        make_endpoint(f"more {number}", critical=bool(number % 2))
        Incident.objects.create(title="x", severity="P3", opened_at=timezone.now(), opened_by="x")

    assert queries() == few


@pytest.mark.parametrize("path", ["endpoint/", "outage/", "observedspan/", "healthlog/", "incident/"])
def test_lists_ask_a_constant_number_of_queries(path, furnished):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert furnished.get(f"/admin/monitoring/{path}").status_code == 200
        return len(asked)

    few = queries()
    for number in range(20):
        observe(make_endpoint(f"more {number}"), now=timezone.now())
        Incident.objects.create(title="x", severity="P3", opened_at=timezone.now(), opened_by="x")

    assert queries() == few


def test_the_log_of_observations_is_never_counted(furnished):
    with CaptureQueriesContext(connection) as asked:
        furnished.get("/admin/monitoring/healthlog/")

    assert HealthLog._meta.db_table in str(asked.captured_queries)
    assert not [query for query in asked.captured_queries if "COUNT(" in query["sql"].upper()]


def test_no_page_brings_inline_script_or_style(furnished):
    for path in ("", "monitoring/endpoint/", "monitoring/endpoint/add/", "auth/user/add/", "nothing/"):
        answer = furnished.get(f"/admin/{path}")

        assert "default-src 'self'; script-src 'self'; style-src 'self'" in answer["Content-Security-Policy"]
        assert not re.search(
            r"<script(?![^>]* (src|type=\"application/json))|<style| style=| on[a-z]+=\"", answer.text
        )


def test_every_registered_model_has_its_place_in_the_menu(furnished):
    titles = [section["name"] for section in furnished.get("/admin/").context["available_apps"]]

    assert UNSORTED not in titles
    assert titles == [section.title for section in SECTIONS if section.title in titles]
    assert {name for section in SECTIONS for name in section.models} == {named(model) for model in MODELS}


def test_a_model_nobody_sorted_is_still_in_the_menu():
    apps = [{"app_label": "x", "models": [{"object_name": "Y"}]}]

    assert [section["name"] for section in in_sections(apps)] == [UNSORTED]


def test_the_menu_shows_only_what_one_may_see():
    person = browser_of(make_person("tina", "tenant admin", tenant=core()))

    titles = [section["name"] for section in person.get("/admin/").context["available_apps"]]

    assert "Burn-in" not in titles
    assert "Endpoints & health" in titles


def test_pages_that_fail_say_what_to_do_next(furnished):
    missing = furnished.get("/admin/nothing/")
    refused = browser_of(make_person("nobody", tenant=core())).get("/admin/auth/user/")

    assert missing.status_code == 404
    assert "There is nothing at this address" in missing.text
    assert "You may not do this" in refused.text
    assert 'href="/admin/"' in refused.text


def test_signing_in_leads_to_the_board(client):
    make_superuser(password=PASSWORD)

    page = client.get("/admin/login/")
    answer = client.post(
        "/admin/login/",
        {"username": "ada", "password": PASSWORD, "next": "/admin/"},
        follow=True,
    )

    assert "levqor/console.css" in page.text
    assert answer.redirect_chain == [("/admin/", 302)]
    assert "Five gates" in answer.text


def test_ensure_roles_sets_the_roles_anew():
    ensure_roles()
    Group.objects.get(name="viewer").permissions.clear()
    Group.objects.create(name="our own").permissions.add(_permission("add_incident"))

    ensure_roles()

    held = {group.name: group.permissions.count() for group in Group.objects.all()}
    assert held == {**{name: len(set(wanted)) for name, wanted in ROLES.items()}, "our own": 1}


def test_no_role_but_the_platform_s_own_acts_for_the_platform():
    acting = {name for name, wanted in ROLES.items() if "tenancy.use_control_plane" in wanted}

    assert acting == {"operator", "reviewer", "platform admin"}


def test_a_role_with_an_unknown_permission_is_refused(monkeypatch):
    monkeypatch.setitem(ROLES, "viewer", ("monitoring.view_nothing",))

    with pytest.raises(Permission.DoesNotExist, match=r"'viewer' names monitoring\.view_nothing"):
        ensure_roles()


def test_what_is_done_in_the_admin_is_logged_with_its_user(furnished):
    incident = Incident.objects.get()

    furnished.post(address(Incident, "changelist"), {"action": "resolve", "_selected_action": [incident.pk]})

    incident.refresh_from_db()
    entry = LogEntry.objects.get(object_id=str(incident.pk))
    assert incident.resolved_at is not None
    assert (entry.user.username, entry.change_message) == ("ada", "Resolved.")


def test_what_asks_for_a_hand_stands_above_the_gates():
    now = timezone.now()
    observe(make_endpoint("api"), now=now - timedelta(seconds=20), probes=3)
    observe(make_endpoint("web"), now=now - timedelta(hours=1))
    Incident.objects.create(title="Fire", severity="P2", opened_at=now, opened_by="ada")
    failed = {"state": "done", "outcome": "error", "created_at": now}
    JobRun.objects.create(job="alert_checks", scheduled_for=now, **failed)

    answer = browser_of(make_superuser()).get("/admin/")

    told = {(item.what, item.which) for item in answer.context["attention"]}
    assert told == {
        ("1 endpoint down", "api"),
        ("1 endpoint not seen now", "web"),
        ("1 incident open", "P2 Fire"),
        ("1 job failed", "Alert threshold checks"),
    }
    assert answer.text.index("1 endpoint down") < answer.text.index("Five gates")


def test_a_calm_board_says_that_nothing_asks_for_a_hand():
    observe(make_endpoint("api"), now=timezone.now())

    text = browser_of(make_superuser()).get("/admin/").text

    assert "Nothing asks for a hand. 1 endpoint: 1 up, no incident open" in text

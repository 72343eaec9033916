import json
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import InterfaceError, OperationalError
from django.test import Client
from django.urls import include, path
from rest_framework import parsers, serializers
from rest_framework.response import Response
from rest_framework.test import APIClient

from tenancy.api.throttles import TokenThrottle
from tenancy.api.views import TenantAPIView
from tenancy.domain.tokens import TokenScope
from tests.cast import client_of, make_cast

pytestmark = pytest.mark.django_db


class Body(serializers.Serializer):
    number = serializers.IntegerField()


class Items(serializers.Serializer):
    items = Body(many=True)


class Probe(TenantAPIView):
    """A view that reads its body, or fails as it is told."""

    parser_classes = (parsers.JSONParser,)

    def get(self, request, how):
        raise {"database": OperationalError, "interface": InterfaceError, "bug": ZeroDivisionError}[how](
            "secret"
        )

    def post(self, request, how):
        Items(data=request.data).is_valid(raise_exception=True)
        return Response({"ok": True})


def broken(request):
    raise OperationalError("secret")


urlpatterns = [
    path("api/probe/<how>", Probe.as_view()),
    path("api/broken", broken),
    path("", include("levqor.urls")),
]
handler400 = "tenancy.api.errors.bad_request"
handler404 = "tenancy.api.errors.not_found"
handler500 = "tenancy.api.errors.server_error"


@pytest.fixture(autouse=True)
def _urls(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def alice():
    return client_of(make_cast().alice, scope=TokenScope.WRITE)


def assert_typed(response, status, kind):
    body = response.json()
    assert (response.status_code, body["ok"], body["error"]["type"]) == (status, False, kind)
    assert body["meta"]["correlation_id"] == response["X-Request-ID"]
    assert "secret" not in response.content.decode()
    return body["error"]


@pytest.mark.parametrize(
    ("how", "status", "kind"),
    [("bug", 500, "internal_error"), ("database", 503, "unavailable"), ("interface", 503, "unavailable")],
)
def test_what_a_view_raises_is_typed_and_tells_nothing(alice, how, status, kind):
    assert_typed(alice.get(f"/api/probe/{how}"), status, kind)


def test_what_fails_outside_drf_is_typed_too():
    response = APIClient(raise_request_exception=False).get("/api/broken")

    assert_typed(response, 503, "unavailable")
    assert response["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "kind"),
    [
        ("{", "application/json", 400, "bad_request"),
        ("\xff", "application/json", 400, "bad_request"),
        ("NaN", "application/json", 400, "bad_request"),
        ("[]", "application/json", 400, "validation"),
        ("a=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ("<a/>", "text/xml", 415, "unsupported_media_type"),
        ("{}", "", 415, "unsupported_media_type"),
        (json.dumps("x" * 6_000_000), "application/json", 413, "too_large"),
    ],
)
def test_a_bad_body_is_typed(alice, body, content_type, status, kind):
    assert_typed(alice.generic("POST", "/api/probe/x", body, content_type=content_type), status, kind)


def test_nested_faults_are_named_by_their_place(alice):
    response = alice.post("/api/probe/x", {"items": [{"number": 1}, {"number": "x"}]}, format="json")

    assert list(assert_typed(response, 400, "validation")["fields"]) == ["items.1.number"]


def test_a_read_token_may_not_post_where_posting_is_possible():
    response = client_of(make_cast().alice).post("/api/probe/x", {}, format="json")

    assert_typed(response, 403, "forbidden")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json;q=0", "x" * 9000])
def test_who_accepts_no_json_is_told_so_in_json(alice, accept):
    assert_typed(alice.get("/api/intelligence/status", headers={"Accept": accept}), 406, "not_acceptable")


@pytest.mark.parametrize("accept", ["", "*/*", "application/*", "text/html, application/json;q=0.1"])
def test_who_accepts_json_gets_it(alice, accept):
    assert alice.get("/api/intelligence/status", headers={"Accept": accept}).status_code == 200


def test_more_parameters_than_django_reads_are_a_400(alice):
    query = "&".join(f"a{n}=1" for n in range(1500))

    assert_typed(alice.get(f"/api/intelligence/status?{query}"), 400, "bad_request")


def test_an_unknown_host_is_a_400():
    assert_typed(
        Client(raise_request_exception=False).get("/api/x", headers={"Host": "evil.example"}),
        400,
        "bad_request",
    )


def test_a_page_for_people_stays_a_page():
    response = Client().get("/nothing-here")

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_too_many_calls_are_a_429_that_says_when_to_come_back(alice, monkeypatch):
    monkeypatch.setattr(TokenThrottle, "THROTTLE_RATES", {"token": "3/min"})

    with time_machine.travel(datetime.now(UTC).replace(second=20), tick=False):
        answers = [alice.get("/api/intelligence/anomalies") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert_typed(answers[3], 429, "throttled")
    assert 40 <= int(answers[3]["Retry-After"]) <= 41

"""The log of observations: pages by key, filters, CSV."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from monitoring.admin.health import HealthLogAdmin, _parse_key
from monitoring.domain.observing import Source
from monitoring.models import HealthLog
from monitoring.services.recording import record_probes
from tenancy.admin.csv_export import safe_cell
from tests.factories import make_endpoint, make_result
from tests.people import browser_of, make_superuser

pytestmark = pytest.mark.django_db

LIST = "/admin/monitoring/healthlog/"


@pytest.fixture
def ada():
    return browser_of(make_superuser())


def log(endpoint, count, *, ago, **fields):
    """`count` observations, one second apart, the newest `ago`."""
    newest = timezone.now() - ago
    results = [make_result(endpoint, newest - timedelta(seconds=n), **fields) for n in range(count)]
    record_probes([(endpoint, result) for result in results], source=Source.MONITOR)


def rows_of(answer):
    return [row.pk for row in answer.context["cl"].result_list]


def test_pages_follow_one_another_by_key_without_a_gap(ada, monkeypatch):
    monkeypatch.setattr(HealthLogAdmin, "list_per_page", 10)
    log(make_endpoint(), 25, ago=timedelta(minutes=1))

    seen, address = [], LIST
    for _ in range(3):
        answer = ada.get(address)
        seen += rows_of(answer)
        older = re.search(r'href="([^"]*before=[^"]*)">Older', answer.text)
        address = LIST + unescape(older[1]) if older else ""

    assert address == ""
    assert len(seen) == len(set(seen)) == 25


def test_rows_of_one_instant_are_neither_lost_nor_doubled_between_pages(ada, monkeypatch):
    monkeypatch.setattr(HealthLogAdmin, "list_per_page", 2)
    at = timezone.now() - timedelta(minutes=1)
    probed = [(endpoint, make_result(endpoint, at)) for endpoint in (make_endpoint() for _ in range(3))]
    record_probes(probed, source=Source.MONITOR)

    first = ada.get(LIST)
    second = ada.get(LIST + first.context["cl"].older_query)

    assert len(set(rows_of(first)) | set(rows_of(second))) == 3
    assert len(rows_of(first)) + len(rows_of(second)) == 3


def test_only_the_last_hour_is_read_unless_a_longer_time_is_chosen(ada):
    log(make_endpoint(), 2, ago=timedelta(minutes=5))
    log(make_endpoint(), 3, ago=timedelta(hours=3))

    shown = {name: len(rows_of(ada.get(LIST, {"range": name}))) for name in ("", "1h", "6h", "nonsense")}

    assert shown == {"": 2, "1h": 2, "6h": 5, "nonsense": 2}


def test_filters_by_endpoint_and_outcome(ada):
    one, other = make_endpoint("one"), make_endpoint("other")
    log(one, 2, ago=timedelta(minutes=5))
    log(other, 1, ago=timedelta(minutes=5), ok=False)

    assert len(rows_of(ada.get(LIST, {"endpoint": one.pk}))) == 2
    assert len(rows_of(ada.get(LIST, {"outcome": "bad"}))) == 1
    assert rows_of(ada.get(LIST, {"endpoint": "x"})) == []


@pytest.mark.parametrize(
    "text", ["", "x", "2025-11-11T00:00:00|1", "2025-13-45T00:00:00Z|1", "2025-11-11T00:00:00Z|x"]
)
def test_a_key_that_cannot_be_read_shows_the_newest(text):
    assert _parse_key(text) is None


def test_an_empty_log_says_so(ada):
    assert "No observation matches" in ada.get(LIST).text


def test_csv_holds_the_chosen_rows_and_no_formula(ada):
    log(make_endpoint(), 1, ago=timedelta(minutes=5), ok=False, error='=HYPERLINK("http://evil.example")')
    (pk,) = rows_of(ada.get(LIST))

    answer = ada.post(LIST, {"action": "export_csv", "_selected_action": [pk]})

    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert answer["Content-Type"].startswith("text/csv")
    assert row["error"].startswith("'=HYPERLINK")
    assert row["ok"] == "False"
    assert HealthLog._meta.model_name in answer["Content-Disposition"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (-1.5, -1.5),
        (7, 7),
        (True, "True"),
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("  =1+1", "'  =1+1"),
        ("@x", "'@x"),
        ("-x", "'-x"),
        ("+x", "'+x"),
        ("\tx", "'\tx"),
        ("a=b", "a=b"),
    ],
)
def test_safe_cell_quotes_what_a_spreadsheet_would_run(value, cell):
    assert safe_cell(value) == cell

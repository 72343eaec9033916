import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

PATHS = ("status", "anomalies", "recommendations", "forecasts", "health")


def schema():
    response = APIClient().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert response.status_code == 200
    return response.json()


def test_the_document_is_made_without_a_warning(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


@pytest.mark.parametrize("name", PATHS)
def test_each_endpoint_is_described_with_an_example_and_its_errors(name):
    operation = schema()["paths"][f"/api/intelligence/{name}"]["get"]

    assert {"200", "400", "401", "404"} <= set(operation["responses"])
    assert operation["responses"]["200"]["content"]["application/json"]["examples"]
    assert operation["security"] == [{"token": []}]


def test_the_lists_document_their_parameters():
    operation = schema()["paths"]["/api/intelligence/anomalies"]["get"]

    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names == {"limit", "cursor", "start", "end", "component", "severity"}

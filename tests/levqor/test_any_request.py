"""Hundreds of requests that the OpenAPI document suggests, and no answer is a failure of ours."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from levqor.wsgi import application
from tenancy.domain.tokens import TokenScope
from tests.cast import make_cast, token_of

EXAMPLES = 38


def operations():
    import yaml
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.renderers import OpenApiYamlRenderer

    document = yaml.safe_load(OpenApiYamlRenderer().render(SchemaGenerator().get_schema(public=True)))
    schema = schemathesis.openapi.from_dict(document)
    return [result.ok() for result in schema.get_all_operations()]


@pytest.fixture
def _one_connection():
    """Django closes old connections around a request; this test's is in a transaction of the test."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("_one_connection")
def test_no_request_makes_the_portal_fail():
    token = token_of(make_cast().alice, scope=TokenScope.WRITE)
    statuses: dict[str, list[int]] = {}

    for operation in operations():
        statuses[operation.label] = []
        cases = st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )

        @hypothesis_settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def send(case):
            case.headers["Authorization"] = f"Bearer {token}"
            response = case.call(app=application, base_url="http://localhost")
            statuses[case.operation.label].append(response.status_code)
            assert response.status_code < 500, (case.as_curl_command(), response.text)
            assert response.headers["content-type"][0].split(";")[0].endswith("json"), response.headers

        send()

    assert sum(map(len, statuses.values())) >= 300, statuses
    assert any(status == 200 for found in statuses.values() for status in found), statuses

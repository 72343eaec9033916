from decimal import Decimal
from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command

from monitoring.models import Slo
from monitoring.services.openslo import UnableToImport, export_slos, import_slos, read_yaml
from tenancy.context import control_transaction
from tenancy.models import TenantAudit
from tests.factories import make_endpoint
from tests.monitoring.domain.material import VECTORS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _control():
    with control_transaction("test"):
        yield


def run(*args):
    out = StringIO()
    call_command("openslo", *args, stdout=out)
    return out.getvalue()


def rows():
    fields = (
        "name",
        "title",
        "description",
        "sli",
        "objective",
        "threshold_ms",
        "period",
        "recovers",
        "enabled",
    )
    return [
        (*values, sorted(slo.endpoints.values_list("name", flat=True)))
        for slo in Slo.objects.order_by("name")
        for values in [tuple(getattr(slo, field) for field in fields)]
    ]


def test_export_and_import_is_a_round_trip(tmp_path):
    Slo.objects.get(name="latency").endpoints.add(make_endpoint("shop"))
    Slo.objects.filter(name="availability").update(period="month", enabled=False, recovers="")
    before, file = rows(), tmp_path / "slos.yaml"
    file.write_text(run("export"))

    again = run("import", str(file))
    assert again == "unchanged: availability, error-rate, latency\n"
    Slo.objects.all().delete()
    fresh = run("import", str(file))

    assert fresh == "created: availability, error-rate, latency\n"
    assert rows() == before
    assert TenantAudit.objects.filter(event="slo_created").count() == 3


def test_import_changes_what_differs_and_says_so(tmp_path):
    file = tmp_path / "slos.yaml"
    file.write_text(export_slos().replace("target: 0.999", "target: 0.9995"))

    assert run("import", str(file)) == "changed: availability\nunchanged: error-rate, latency\n"
    assert Slo.objects.get(name="availability").objective == Decimal("0.9995")


def test_import_is_all_or_nothing_and_names_every_problem(tmp_path):
    objects = yaml.safe_load(export_slos())
    objects[0]["spec"]["objectives"][0]["target"] = 1.0
    objects[1]["spec"]["timeWindow"] *= 2
    objects[2]["metadata"]["name"] = "renamed"
    file = tmp_path / "slos.yaml"
    dumper = yaml.SafeDumper
    dumper.ignore_aliases = lambda *_: True
    file.write_text(yaml.dump(objects, Dumper=dumper))

    with pytest.raises(CommandError) as caught:
        run("import", str(file))

    assert "[0].spec.objectives[0].target: must be 0 or more and less than 1" in str(caught.value)
    assert "[1].spec.timeWindow: must have exactly 1, and has 2" in str(caught.value)
    assert not Slo.objects.filter(name="renamed").exists()


def test_import_refuses_endpoints_that_nobody_watches():
    Slo.objects.get(name="latency").endpoints.add(make_endpoint("shop"))
    text = export_slos().replace("- shop", "- shoop")

    with pytest.raises(UnableToImport, match="no endpoint is named 'shoop'"):
        import_slos(text, actor="ada")


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"the vectors are not at {VECTORS}")
def test_import_of_others_measurements_says_that_only_ours_are_read():
    text = (VECTORS / "openslo" / "inline_inputs_v1_slo.yaml").read_text()

    with pytest.raises(UnableToImport, match="reads its own measurements") as caught:
        import_slos(text, actor="ada")

    found = [problem.path for problem in caught.value.problems]
    assert "[0].spec.indicator.spec.thresholdMetric.metricSource.type" in found


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"the vectors are not at {VECTORS}")
def test_import_resolves_references_before_it_judges():
    text = (VECTORS / "openslo" / "inline_inputs_v1_slo_invalid_sli.yaml").read_text()

    with pytest.raises(UnableToImport, match=r"\[0\]\.spec\.indicatorRef: refers to the SLI 'no-sli'"):
        import_slos(text, actor="ada")


def test_a_referenced_threshold_asks_for_its_value():
    text = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: slow}
spec:
  service: web
  indicatorRef: latency
  timeWindow: [{duration: 1w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9}]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: latency}
spec: {thresholdMetric: {metricSource: {type: Levqor, spec: {measure: latency_ms}}}}
"""
    with pytest.raises(UnableToImport, match=r"objectives\[0\]\.value: is required with a thresholdMetric"):
        import_slos(text, actor="ada")
    fixed = text.replace("{target: 0.9}", "{target: 0.9, op: lte, value: 300}")

    assert import_slos(fixed, actor="ada").created == ("slow",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2", "line 2, column 1: 'a' stands twice"),
        ("a: &x 1\nb: *x", "aliases are not read"),
        ("a: [", "line 1"),
        ("1: 2", "keys are texts"),
        ("!!python/object:os.system {}", "could not determine a constructor"),
        ("a" * 1_100_000, "larger than"),
    ],
)
def test_read_yaml_refuses_what_is_not_plain(text, told):
    with pytest.raises(UnableToImport, match=told):
        read_yaml(text)


def test_check_changes_nothing(tmp_path):
    file = tmp_path / "slos.yaml"
    file.write_text(export_slos())
    Slo.objects.all().delete()

    assert run("check", str(file)).endswith("holds: 3 SLOs.\n")
    assert not Slo.objects.exists()


def test_a_file_that_is_not_there_is_said():
    with pytest.raises(CommandError, match="cannot be read"):
        run("import", "/nowhere.yaml")

"""OpenSLO v1: the SDK's own examples, its field rules, its inline and export pairs."""

import copy
import json
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.openslo import check_objects
from monitoring.domain.openslo_references import UnableToInline, export, inline
from monitoring.domain.openslo_slos import SloDefinition, UnableToMeasure, definitions_of, to_object
from monitoring.domain.slo import SliKind, SloPeriod
from tests.monitoring.domain.material import VECTORS

FOLDER = VECTORS / "openslo"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"the vectors are not at {VECTORS}")


class _Plain(yaml.SafeLoader):
    """Times stay texts, as the portal reads them."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(name):
    found = yaml.load((FOLDER / f"{name}.yaml").read_text(), Loader=_Plain)
    return found if isinstance(found, list) else [found]


def paths(objects):
    return [problem.path for problem in check_objects(objects)]


def sorted_objects(objects):
    return sorted(objects, key=lambda one: (one["kind"], one["metadata"]["name"]))


VALID = (
    "valid_v1_slos",
    "valid_v1_alert_policies",
    "example_occurences-slo",
    "example_ratio-timeslices",
    "example_timeslices-slo",
)
PAIRS = ("export_inputs_v1_slo", "export_inputs_v1_alert_policies", "export_inputs_custom_config")
INLINE = ("inline_inputs_v1_slo", "inline_inputs_custom_config", "inline_outputs_v1_slo")


@needs_vectors
@pytest.mark.parametrize("name", VALID + PAIRS + INLINE)
def test_valid_documents_hold(name):
    """`op` of a ratio SLI too: validate_output_v1.txt forbids it, the SDK's own examples have it."""
    assert check_objects(load(name)) == []


@needs_vectors
def test_a_document_that_only_decodes_lacks_its_window():
    assert paths(load("decode_v1_slos")) == ["[0].spec.timeWindow"]


@needs_vectors
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("validate_input_invalid-apiversion", ["[0].apiVersion"]),
        ("validate_input_unknown-field", ["[0].metadata.name", "[0].spec.markdown"]),
        # validate_output_v1.txt also complains of a time zone, for want of a zone database, and of `op`.
        ("validate_input_v1", ["[2].metadata.name"]),
    ],
)
def test_invalid_documents_name_the_path(name, expected):
    assert paths(load(name)) == expected


def rules():
    if not VECTORS.is_dir():
        return []
    return json.loads((FOLDER / "v1_slo_validation_rules.json").read_text())["cases"]


def an_slo(method="Occurrences"):
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": "shop"},
        "spec": {
            "service": "web",
            "indicatorRef": "good",
            "timeWindow": [{"duration": "1w", "isRolling": True}],
            "budgetingMethod": method,
            "objectives": [{"target": 0.9, "timeSliceTarget": 0.9, "timeSliceWindow": "1m"}],
        },
    }


def apply_rule(row):
    """The document with the row's field set to the row's value, as the SDK's test does it."""
    one = an_slo(row.get("budgetingMethod", "Occurrences"))
    spec, field, value = one["spec"], row["field"], row["value"]
    objective = spec["objectives"][0]
    if field == "objectives[0]":
        objective.update({"target": None} if value.startswith("neither") else {"targetPercent": 90.0})
    elif field.startswith("objectives[0]."):
        name = field.removeprefix("objectives[0].")
        if name == "targetPercent":
            objective["target"] = None
        objective[name] = value
    elif field == "spec.timeWindow":
        spec["timeWindow"] = value if isinstance(value, list) else spec["timeWindow"] * 2
    elif field == "spec.timeWindow[0].duration":
        spec["timeWindow"][0]["duration"] = value
    elif field == "spec.timeWindow[0]":
        spec["timeWindow"] = [{"duration": "1w", **value}]
    elif isinstance(value, str) and value.startswith("A*"):
        spec["description"] = "A" * int(value[2:])
    else:
        name = field.removeprefix("spec.")
        # Slices are asked for by their method only; the rows about the method itself bring them.
        spec[name] = value
    return one


@needs_vectors
@pytest.mark.parametrize("row", rules(), ids=lambda row: f"{row['field']}={str(row['value'])[:24]}")
def test_field_rules_agree_with_the_sdk(row):
    found = paths([apply_rule(row)])

    assert (found == []) is row["valid"]
    if not row["valid"]:
        field = row["field"]
        path = field if field.startswith("spec.") else f"spec.{field}"
        assert [one.removeprefix("[0].") for one in found] == [path]


@needs_vectors
@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("v1_slo", None),
        ("v1_alert_policies", None),
        # Upstream's custom configuration exports nothing of what is in these files.
        ("custom_config", ()),
    ],
)
def test_export_agrees_with_the_sdk(name, kinds):
    given_, expected = load(f"export_inputs_{name}"), load(f"export_outputs_{name}")
    found = export(given_) if kinds is None else export(given_, kinds=kinds)

    assert sorted_objects(found) == sorted_objects(expected)


@needs_vectors
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("v1_slo", {}),
        ("v1_alert_policies_remove_refs", {}),
        ("v1_alert_policies_keep_refs", {"keep": True}),
        ("custom_config", {"kinds": ()}),
    ],
)
def test_inline_agrees_with_the_sdk(name, options):
    assert inline(load(f"inline_inputs_{name}"), **options) == load(f"inline_outputs_{name}")


@needs_vectors
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("v1_alert_policies_invalid_condition", "[0].spec.conditions[0].conditionRef"),
        ("v1_alert_policies_invalid_target", "[0].spec.notificationTargets[1].targetRef"),
        ("v1_slo_invalid_policy", "[0].spec.alertPolicies[0].alertPolicyRef"),
        ("v1_slo_invalid_sli", "[0].spec.indicatorRef"),
        (
            "v1_slo_invalid_target",
            "[0].spec.alertPolicies[0].spec.notificationTargets[1].targetRef",
        ),
    ],
)
def test_a_reference_to_nothing_names_its_path(name, path):
    with pytest.raises(UnableToInline, match="which is not here") as caught:
        inline(load(f"inline_inputs_{name}"))
    assert [problem.path for problem in caught.value.problems] == [path]


@needs_vectors
def test_inlining_what_was_exported_gives_it_back():
    objects = [one for one in load("inline_outputs_v1_slo") if one["metadata"]["name"] == "my-slo-2"]

    assert inline(export(objects)) == objects


@pytest.mark.parametrize(
    ("objects", "path", "told"),
    [
        ([], "", "one OpenSLO object"),
        ({}, "", "one OpenSLO object"),
        (["x"], "[0]", "must be a mapping"),
        ([{"apiVersion": "openslo/v1", "kind": "Slo"}], "[0].kind", "must be one of SLO"),
        ([{"apiVersion": "openslo/v1alpha", "kind": "SLO"}], "[0].apiVersion", "must be openslo/v1"),
    ],
)
def test_what_is_no_object_is_refused(objects, path, told):
    (problem,) = check_objects(objects)

    assert problem.path == path
    assert told in str(problem)


@pytest.mark.parametrize(
    ("where", "value", "path"),
    [
        (("metadata", "labels"), {"env": 4}, "metadata.labels.env"),
        (("metadata", "labels"), [], "metadata.labels"),
        (("metadata", "displayName"), 4, "metadata.displayName"),
        (("metadata",), "x", "metadata"),
        (("spec", "objectives"), {}, "spec.objectives"),
        (("spec", "objectives", 0), "x", "spec.objectives[0]"),
        (("spec", "objectives", 0, "target"), True, "spec.objectives[0].target"),
        (("spec", "objectives", 0, "op"), "eq", "spec.objectives[0].op"),
        (("spec", "timeWindow", 0, "duration"), "0d", "spec.timeWindow[0].duration"),
        (("spec", "timeWindow", 0, "isRolling"), "yes", "spec.timeWindow[0].isRolling"),
        (("spec", "timeWindow", 0), "1w", "spec.timeWindow[0]"),
        (("spec", "indicator"), {"metadata": {"name": "x"}, "spec": {}}, "spec"),
        (("spec",), [], "spec"),
    ],
)
def test_a_wrong_value_names_its_path(where, value, path):
    one = an_slo()
    inner = one
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value

    assert f"[0].{path}" in paths([one])


@pytest.mark.parametrize(
    ("calendar", "path"),
    [
        ({"startTime": "2022-01-01", "timeZone": "UTC"}, "startTime"),
        ({"startTime": "2022-01-01 00:00:00", "timeZone": "Mars/Olympus"}, "timeZone"),
        ({"startTime": "2022-01-01 00:00:00", "timeZone": 4}, "timeZone"),
        ({"startTime": "2022-01-01 00:00:00", "timeZone": "../etc"}, "timeZone"),
    ],
)
def test_a_calendar_names_a_real_time_and_zone(calendar, path):
    one = an_slo()
    one["spec"]["timeWindow"] = [{"duration": "1M", "calendar": calendar}]

    assert paths([one]) == [f"[0].spec.timeWindow[0].calendar.{path}"]


GOOD_SPEC = "spec.indicator.spec.ratioMetric.good.metricSource.spec"


def source(**spec):
    return {"metricSource": {"type": "Levqor", "spec": spec}}


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [
        ({"thresholdMetric": source()}, ["spec.objectives[0].op", "spec.objectives[0].value"]),
        ({"ratioMetric": {"good": source()}}, ["spec.indicator.spec.ratioMetric.total"]),
        ({"ratioMetric": {"total": source()}}, ["spec.indicator.spec.ratioMetric"]),
        (
            {"ratioMetric": {"good": source(), "bad": source(), "total": source()}},
            ["spec.indicator.spec.ratioMetric"],
        ),
        ({"ratioMetric": {"raw": source(), "rawType": "success"}}, []),
        ({"ratioMetric": "x"}, ["spec.indicator.spec.ratioMetric"]),
        (
            {"ratioMetric": {"good": {"metricSource": {}}, "total": source()}},
            [GOOD_SPEC],
        ),
    ],
)
def test_an_indicator_is_one_metric_and_whole(indicator, expected):
    one = an_slo()
    del one["spec"]["indicatorRef"]
    one["spec"]["indicator"] = {"metadata": {"name": "x"}, "spec": indicator}

    assert paths([one]) == [f"[0].{path}" for path in expected]


def test_every_other_kind_is_checked_too():
    names = ("Service", "DataSource", "SLI", "AlertCondition", "AlertNotificationTarget", "AlertPolicy")
    objects = [
        {"apiVersion": "openslo/v1", "kind": kind, "metadata": {"name": "x"}, "spec": {}} for kind in names
    ]

    assert paths(objects) == [
        "[1].spec.type",
        "[2].spec",
        "[3].spec.severity",
        "[3].spec.condition",
        "[4].spec.target",
        "[5].spec.conditions",
        "[5].spec.notificationTargets",
    ]


DEFINITION = SloDefinition(
    "latency", SliKind.LATENCY, Decimal("0.99"), SloPeriod.ROLLING_7D, threshold_ms=200.0
)

texts = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=40)


@st.composite
def definitions(draw):
    sli = draw(st.sampled_from(SliKind))
    objective = draw(st.integers(1, 10**8 - 1))
    return SloDefinition(
        name=draw(st.from_regex(r"[a-z][a-z0-9-]{0,60}[a-z0-9]", fullmatch=True)),
        sli=sli,
        objective=(Decimal(objective) / 10**8).normalize(),
        period=draw(st.sampled_from(SloPeriod)),
        threshold_ms=draw(st.floats(1, 1e6)) if sli is SliKind.LATENCY else None,
        title=draw(texts),
        description=draw(texts),
        endpoints=tuple(draw(st.lists(texts.filter(bool), max_size=3))),
        recovers=draw(texts),
        enabled=draw(st.booleans()),
    )


@given(definitions())
def test_every_definition_comes_back_from_valid_openslo(definition):
    one = to_object(definition)

    assert check_objects([one]) == []
    assert definitions_of([one]) == [definition]
    assert definitions_of(inline(export([one]))) == [definition]


def changed(change):
    one = copy.deepcopy(to_object(DEFINITION))
    change(one["spec"])
    return one


def _slow(spec):
    spec["indicator"]["spec"]["thresholdMetric"]["metricSource"]["spec"]["measure"] = "seconds"


def _other_type(spec):
    spec["indicator"]["spec"]["thresholdMetric"]["metricSource"]["type"] = "Prometheus"


def _query(spec):
    spec["indicator"]["spec"]["thresholdMetric"]["metricSource"]["spec"]["query"] = "up"


def _endpoints(spec):
    spec["indicator"]["spec"]["thresholdMetric"]["metricSource"]["spec"]["endpoints"] = "all"


def _ratio(**metric):
    def change(spec):
        spec["indicator"]["spec"] = {"ratioMetric": metric}
        for name in ("op", "value"):
            spec["objectives"][0].pop(name)

    return change


THRESHOLD = "indicator.spec.thresholdMetric.metricSource"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda spec: spec.update(budgetingMethod="Timeslices"), "budgetingMethod"),
        (lambda spec: spec.update(alertPolicies=[{}]), "alertPolicies"),
        (lambda spec: spec["objectives"].append(spec["objectives"][0]), "objectives"),
        (lambda spec: spec["objectives"][0].update(target=0.0), "objectives[0].target"),
        (lambda spec: spec["objectives"][0].update(target=0.1234567891), "objectives[0].target"),
        (lambda spec: spec["objectives"][0].update(op="lt"), "objectives[0].op"),
        (lambda spec: spec["objectives"][0].update(value=0), "objectives[0].value"),
        (lambda spec: spec["objectives"][0].update(timeSliceWindow="1m"), "objectives[0].timeSliceWindow"),
        (lambda spec: spec["timeWindow"][0].update(duration="2w"), "timeWindow[0].duration"),
        (
            lambda spec: spec.update(
                timeWindow=[
                    {
                        "duration": "1M",
                        "calendar": {"startTime": "2022-01-01 12:00:00", "timeZone": "UTC"},
                    }
                ]
            ),
            "timeWindow[0]",
        ),
        (_slow, f"{THRESHOLD}.spec.measure"),
        (_other_type, f"{THRESHOLD}.type"),
        (_query, f"{THRESHOLD}.spec.query"),
        (_endpoints, f"{THRESHOLD}.spec.endpoints"),
        (_ratio(raw=source(measure="x")), "indicator.spec.ratioMetric.raw"),
        (
            _ratio(good=source(measure="a"), total=source(measure="observations")),
            "indicator.spec.ratioMetric",
        ),
        (
            _ratio(
                bad=source(measure="bad_observations", endpoints=["a"]), total=source(measure="observations")
            ),
            "indicator.spec.ratioMetric.total.metricSource.spec.endpoints",
        ),
        (
            _ratio(good={"metricSource": {"type": "x", "spec": {}}}, total=source(measure="observations")),
            "indicator.spec.ratioMetric.good.metricSource.type",
        ),
    ],
)
def test_what_the_portal_would_lose_is_refused_by_path(change, path):
    with pytest.raises(UnableToMeasure) as caught:
        definitions_of([changed(change)])
    assert [problem.path for problem in caught.value.problems] == [f"[0].spec.{path}"]


def test_a_value_without_a_latency_is_refused():
    availability = SloDefinition("up", SliKind.AVAILABILITY, Decimal("0.9"), SloPeriod.ROLLING_7D)
    one = copy.deepcopy(to_object(availability))
    one["spec"]["objectives"][0]["value"] = 4

    with pytest.raises(UnableToMeasure, match="only a latency SLO"):
        definitions_of([one])


def test_a_percentage_is_the_same_as_its_ratio():
    one = changed(lambda spec: spec["objectives"][0].update(target=None, targetPercent=99.9))

    assert definitions_of([one])[0].objective == Decimal("0.999")


def test_a_name_that_stands_twice_and_an_object_that_is_not_kept_are_refused():
    policy = {"apiVersion": "openslo/v1", "kind": "AlertPolicy", "metadata": {"name": "p"}, "spec": {}}

    with pytest.raises(UnableToMeasure) as caught:
        definitions_of([to_object(DEFINITION), to_object(DEFINITION), policy])
    assert [problem.path for problem in caught.value.problems] == ["[1].metadata.name", "[2].kind"]


def test_what_two_objects_share_is_exported_once_and_a_service_defines_no_slo():
    shared = to_object(DEFINITION)
    twin = {**shared, "metadata": {"name": "twin"}}
    service = {"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}}

    exported = export([shared, twin, service])

    assert [one["kind"] for one in exported] == ["SLO", "SLO", "Service", "SLI"]
    assert [one.name for one in definitions_of(inline(exported))] == ["latency", "twin"]

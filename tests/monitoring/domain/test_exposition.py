import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain

from monitoring.domain.exposition import Format, Gauge, render

_CORPUS = Path(__file__).parents[4] / "shared" / "data" / "vectors" / "openmetrics_parser_corpus.json"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=30)


def gauge(*samples, name="a", meaning="What it is."):
    made = Gauge(name, meaning)
    for value, labels in samples:
        made.add(value, **labels)
    return made


@pytest.mark.parametrize(("form", "end"), [(Format.PLAIN, ""), (Format.OPENMETRICS, "# EOF\n")])
def test_render_writes_type_help_and_samples(form, end):
    text = render([gauge((0.5, {"to": "x"}), (True, {"to": "y"}))], form)

    assert text == '# TYPE a gauge\n# HELP a What it is.\na{to="x"} 0.5\na{to="y"} 1\n' + end


def test_what_is_not_known_has_no_sample_and_no_header():
    assert render([gauge((None, {}))], Format.PLAIN) == ""
    assert render([gauge((None, {}))], Format.OPENMETRICS) == "# EOF\n"


@given(label=TEXTS, meaning=TEXTS, value=st.floats(allow_nan=False))
def test_both_formats_are_read_back_as_they_were_meant(label, meaning, value):
    made = [gauge((value, {"name": label}), meaning=meaning)]

    (family,) = read_openmetrics(render(made, Format.OPENMETRICS))
    (plain,) = read_plain(render(made, Format.PLAIN))

    for found in (family, plain):
        assert [(s.labels["name"], s.value) for s in found.samples] == [(label, value)]
    # The reader of the format drops the white space around a text.
    assert family.documentation.strip() == meaning.strip()


@pytest.mark.skipif(not _CORPUS.exists(), reason="the folder ../shared with the vectors is not here")
def test_the_parser_that_judges_our_output_judges_the_corpus_rightly():
    for case in json.loads(_CORPUS.read_text())["cases"]:
        try:
            list(read_openmetrics(case["text"]))
            parsed = True
        except Exception:  # noqa: BLE001  (whatever the parser raises is its refusal)
            parsed = False
        assert parsed == case["should_parse"], case["name"]

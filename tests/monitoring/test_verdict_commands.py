import json
import zipfile
from io import StringIO

import pytest
import time_machine
import yaml
from django.core.management import CommandError, call_command

from monitoring.models import BurnIn, BurnInChange, Endpoint, GatePolicy, Verdict
from monitoring.services.burn_ins import advance_burn_in, close_burn_in
from tests.factories import NOON
from tests.monitoring.services.weeks import DAY, HOUR, good_week

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_place(settings, tmp_path):
    settings.LEVQOR_VAR = tmp_path / "var"


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def run(*words):
    """The output of a command, and its exit code."""
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command(*words, stdout=out, stderr=err)
    except SystemExit as stop:
        code = int(stop.code)
    return out.getvalue() + err.getvalue(), code


KEYS = {
    "at", "window", "decision", "conclusive", "within", "proven", "gates", "triggers", "policy_version", "hash",
}  # fmt: skip


def test_go_nogo_stores_verifies_and_exports(noon, tmp_path):
    good_week()

    stored = json.loads(run("go_nogo", "--store", "--format", "json")[0])
    verified, code = run("go_nogo", "--verify", "1")
    exported, _ = run("export_evidence", "1", str(tmp_path / "out.zip"))

    assert set(stored) == {*KEYS, "number"}
    assert stored["hash"] == Verdict.objects.get().hash
    assert (verified, code) == ("Verdict 1: identical.\n", 0)
    assert "Signed by the key with fingerprint" in exported
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "verify.py" in archive.namelist()
    with pytest.raises(CommandError, match="--force replaces it"):
        run("export_evidence", "1", str(tmp_path / "out.zip"))
    with pytest.raises(CommandError, match="no verdict 9"):
        run("export_evidence", "9", str(tmp_path / "other.zip"))
    with pytest.raises(CommandError, match="cannot be written"):
        run("export_evidence", "1", str(tmp_path / "nowhere" / "out.zip"))


def test_go_nogo_verify_names_the_row_and_exits_1(noon):
    good_week()
    run("go_nogo", "--store")
    Endpoint.objects.filter(name="shop").update(url="https://example.com/other")

    text, code = run("go_nogo", "--verify", "1")
    told = json.loads(run("go_nogo", "--verify", "1", "--format", "json")[0])

    assert code == 1
    assert "rows: endpoints " in text
    assert "was changed: url was" in text
    assert (told["number"], told["identical"], told["differences"][0]["kind"]) == (1, False, "rows")


def test_go_nogo_judges_the_past(noon):
    good_week()

    past = json.loads(run("go_nogo", "--at", "2025-11-14T09:00Z", "--format", "json")[0])
    late, code = run("go_nogo", "--at", "2025-11-16T09:00Z")

    assert set(past) == KEYS
    assert past["at"] == "2025-11-14T09:00:00Z"
    assert "is still to come" in late
    assert code == 3
    assert Verdict.objects.count() == 0


def test_go_nogo_under_other_limits_says_that_nothing_is_stored(noon):
    good_week(bad=[(NOON - 3 * DAY, NOON - 3 * DAY + 2 * HOUR)])

    told = json.loads(run("go_nogo", "--set", "uptime=90", "--set", "daily_cost=6", "--format", "json")[0])
    table, _ = run("go_nogo", "--set", "uptime=90")
    wrong, code = run("go_nogo", "--set", "speed=1")

    assert set(told) == {*KEYS, "set", "stored"}
    assert (told["gates"][0]["standing"], told["gates"][4]["standing"]) == ("PASS", "FAIL")
    assert told["stored"] is False
    assert table.startswith("Under other limits (uptime=90); not stored.")
    assert ("There is no gate 'speed'" in wrong, code) == (True, 3)
    assert Verdict.objects.count() == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--store", "--at", "2025-11-14T09:00Z"),
        ("--store", "--set", "uptime=90"),
        ("--verify", "1", "--what-if"),
    ],
)
def test_go_nogo_refuses_what_makes_no_sense(noon, words):
    good_week()

    assert run("go_nogo", *words)[1] == 3
    assert Verdict.objects.count() == 0


def test_go_nogo_answers_what_if(noon):
    good_week(bad=[(NOON - 4 * DAY, NOON - 4 * DAY + 2 * HOUR)])

    told = json.loads(run("go_nogo", "--what-if", "--format", "json")[0])
    text, _ = run("go_nogo", "--what-if")

    assert set(told) == {*KEYS, "what_if"}
    assert told["what_if"]["smallest_change"]["changes"][0]["path"] == "gates.uptime"
    assert told["what_if"]["earliest_go"]["at"] is None
    assert told["what_if"]["downtime_left"]["spent"] == 0
    assert "GO needs no outage longer than 120 s from here" in text
    assert "Uptime: 2025-11-18T" in text


def test_go_nogo_shows_both_windows(noon):
    good_week()

    text, _ = run("go_nogo")
    page, _ = run("go_nogo", "--format", "markdown")

    for shown in (text, page):
        assert (
            "Not deciding: the burn-in's own window, 2025-11-06T12:00:00Z to 2025-11-13T12:00:00Z:" in shown
        )


def test_burnin_goes_through_its_life(noon):
    noon.move_to("2025-11-10T09:00Z")
    planned, _ = run("burnin", "start", "--example")
    noon.move_to("2025-11-12T09:00Z")
    running, _ = run("burnin", "status")
    noon.move_to("2025-11-24T09:30Z")
    extended, _ = run("burnin", "extend", "--note", "one outage too many")
    close_burn_in(now=NOON + 30 * DAY, actor="ada", outcome="GO")

    assert "day 0/7, planned" in planned
    assert running == (
        "7-day burn-in of Levqor: day 0/7, running, policy 1. Starts 2025-11-11 16:00 UTC, "
        "ends 2025-11-18 16:00 UTC, review 2025-11-24 09:00 UTC.\n"
    )
    assert "extended" in extended
    assert "ends 2025-11-25 16:00 UTC, review 2025-12-01 09:00 UTC" in extended
    assert list(BurnInChange.objects.order_by("id").values_list("kind", flat=True)) == [
        "planned", "started", "extended", "reviewed",
    ]  # fmt: skip
    assert BurnIn.objects.get().outcome == "GO"


def test_burnin_start_takes_its_dates(noon):
    words = ("--starts-at", "2025-11-16T00:00Z", "--ends-at", "2025-11-23T00:00Z", "--review-at")

    said, _ = run("burnin", "start", "--name", "ours", *words, "2025-11-24T00:00Z")

    assert "ours: day 0/7, planned" in said
    assert advance_burn_in(now=NOON) is None
    with pytest.raises(CommandError, match="There is a burn-in named 'ours' already"):
        run("burnin", "start", "--name", "ours")
    with pytest.raises(CommandError, match="starts, ends, and is then reviewed"):
        run("burnin", "start", "--name", "other", *words, "2025-11-20T00:00Z")


def test_burnin_extend_refuses_what_makes_no_sense(noon):
    with pytest.raises(CommandError, match="No burn-in is open"):
        run("burnin", "extend")
    run("burnin", "start")
    with pytest.raises(CommandError, match="must come after now and after the new end"):
        run("burnin", "extend", "--review-at", "2025-11-20T00:00Z")
    with pytest.raises(CommandError, match="never shortened"):
        run("burnin", "extend", "--days", "0")


def test_burnin_plan_says_what_can_be_demonstrated(noon):
    text, _ = run("burnin_plan", "--interval", "api=900", "--interval", "web=30")
    plan = json.loads(run("burnin_plan", "--interval", "api=900", "--format", "json")[0])

    assert "api: 672 probes demonstrate 99.555 %; 99.98 % needs 14,978: not enough by count" in text
    assert "Downtime allowed in the window: 2 min 1 s." in text
    assert plan["endpoints"][0]["probes_needed"] == 14978
    with pytest.raises(CommandError, match="write it as api=30"):
        run("burnin_plan", "--interval", "api")
    good_week()
    assert "shop: 60,480 probes" in run("burnin_plan")[0]


def test_gate_policy_goes_out_and_comes_in_as_yaml(noon, tmp_path):
    good_week()
    file = tmp_path / "policy.yaml"
    file.write_text(run("gate_policy", "export")[0])
    same, _ = run("gate_policy", "import", str(file))
    file.write_text(file.read_text().replace("99.98", "99.9"))
    checked, _ = run("gate_policy", "import", str(file), "--check")
    stored, _ = run("gate_policy", "import", str(file), "--use", "--note", "easier")

    assert same == "The same as policy 1.\n"
    assert "Nothing was stored" in checked
    assert stored == "Stored as policy 2; the current burn-in is judged by it from now on.\n"
    assert yaml.safe_load(run("gate_policy", "export")[0])["gates"]["uptime"]["min_percent"] == 99.9
    assert yaml.safe_load(run("gate_policy", "export", "--number", "1")[0])["version"] == 1
    assert "2  2025-11-15 12:00 UTC  command line  easier" in run("gate_policy", "list")[0]
    assert json.loads(run("go_nogo", "--format", "json")[0])["policy_version"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace("min_percent: 99.98", "min_percent: .nan"),
            "gates.uptime.min_percent must be",
        ),
        (lambda text: text.replace("min_percent", "least"), "gates.uptime has an unknown entry 'least'"),
        (
            lambda text: text.replace("  daily_cost:\n    max_usd: '10.00'\n", ""),
            "gates.daily_cost is missing",
        ),
        (lambda text: text + "window: {}\n", "window is given twice, at line"),
        (lambda text: "a: &a 1\nb: *a\n", "no aliases"),
        (lambda text: "a: [", "This is not YAML"),
        (lambda text: "a: !!python/object:os.system 1", "This is not YAML"),
        (lambda text: "", "policy must be a mapping"),
        (lambda text: "- 1", "policy must be a mapping"),
        (lambda text: "#" * 70_000, "at most 65,536 bytes"),
    ],
)
def test_gate_policy_refuses_what_is_no_policy(noon, tmp_path, change, message):
    good_week()
    file = tmp_path / "policy.yaml"
    file.write_text(change(run("gate_policy", "export")[0]))

    with pytest.raises(CommandError, match=message):
        run("gate_policy", "import", str(file))
    assert GatePolicy.objects.count() == 1


def test_gate_policy_says_what_it_cannot_find(noon, tmp_path):
    (tmp_path / "latin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="there are: none"):
        run("gate_policy", "export")
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run("gate_policy", "import", str(tmp_path / "none"))
    with pytest.raises(CommandError, match="is not UTF-8 text"):
        run("gate_policy", "import", str(tmp_path / "latin"))

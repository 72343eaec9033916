import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring.domain.occasions import Occasion
from monitoring.models import Incident
from monitoring.services.bundles import evidence_bundle
from monitoring.services.signing import UnableToSign, fingerprint, public_bytes, signing_key
from monitoring.services.verdicts import UnableToReplay, store_verdict
from monitoring.services.verification import verify as verdict_again
from monitoring.verifier import verify
from tests.factories import NOON
from tests.monitoring.services.weeks import DAY, HOUR, START, good_week, observe

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_key(settings, tmp_path):
    settings.LEVQOR_VAR = tmp_path / "var"
    settings.EVIDENCE_SIGNING_KEY = ""


@pytest.fixture
def files():
    """The files of a real bundle, of a verdict with an outage, an incident and a title that is a formula."""
    good_week(bad=[(NOON - 2 * DAY, NOON - 2 * DAY + 2 * HOUR)])
    Incident.objects.create(
        title="=HYPERLINK(1)", severity="P1", opened_at=NOON - HOUR, opened_by="t", created_at=NOON
    )
    store_verdict(now=NOON, occasion=Occasion.COMMAND, actor="test")
    return verify.read_bundle(io.BytesIO(evidence_bundle(1).content))


def faults(files):
    return verify.check_bundle(files)


def edited(files, name, old, new):
    content = files[name].decode()
    assert old in content
    return {**files, name: content.replace(old, new, 1).encode()}


def test_bundle_holds(files):
    assert faults(files) == []
    assert {
        "verdict.json", "policy.json", "manifest.json", "signature.txt", "leaves.txt", "verify.py", "README.txt",
        "rows/outages.csv", "rows/observed_spans.csv", "rows/health_hours.csv", "rows/incidents.csv",
        "rows/cost_entries.csv", "rows/endpoints.csv",
    } == set(files)  # fmt: skip


def test_bundle_of_a_moment_between_two_minutes_holds():
    odd = NOON - timedelta(hours=3, minutes=17, seconds=23, microseconds=456_789)
    shop = good_week(until=NOON - 5 * HOUR, interval_s=60)
    observe(shop, START, NOON - 5 * HOUR + timedelta(seconds=7), step=timedelta(seconds=397))
    observe(shop, NOON - 5 * HOUR, NOON, step=timedelta(seconds=37), bad=[(odd - HOUR, odd)])
    store_verdict(now=odd, occasion=Occasion.COMMAND, actor="test")

    bundle = verify.read_bundle(io.BytesIO(evidence_bundle(1).content))

    assert faults(bundle) == []
    assert {"rows/health_minutes.csv", "rows/system_health_log.csv"} <= set(bundle)
    assert verdict_again(1).differences == ()


def test_bundle_is_verified_by_its_own_verifier_alone(files, tmp_path):
    bundle = evidence_bundle(1)
    (tmp_path / "b.zip").write_bytes(bundle.content)
    (tmp_path / "verify.py").write_bytes(files["verify.py"])

    def run(*words):
        command = [sys.executable, "-I", str(tmp_path / "verify.py"), str(tmp_path / "b.zip"), *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={}, check=False)

    good = run("--fingerprint", bundle.fingerprint)
    other_key = run("--fingerprint", "0" * 64)

    assert good.returncode == 0, good.stdout + good.stderr
    assert "Verified: verdict 1, NO-GO, judged 2025-11-15T12:00:00Z" in good.stdout
    assert other_key.returncode == 1
    assert "signed with another key than yours" in other_key.stdout


def test_bundle_of_the_same_verdict_is_the_same_bytes(files):
    assert evidence_bundle(1).content == evidence_bundle(1).content


def test_texts_that_a_spreadsheet_would_run_are_disarmed(files):
    assert b"'=HYPERLINK(1)" in files["rows/incidents.csv"]


def test_one_altered_row_is_named(files):
    found = faults(edited(files, "rows/cost_entries.csv", ",5,", ",4,"))

    assert any("rows/cost_entries.csv was altered" in text for text in found)
    assert sum(text.startswith("Row ") and "of cost_entries was altered" in text for text in found) == 1


def test_row_added_taken_out_or_doubled_is_named(files):
    lines = files["rows/outages.csv"].decode().splitlines(keepends=True)
    forged = lines[1].replace(lines[1].split(",")[0], "999", 1)

    def with_lines(*kept):
        return faults({**files, "rows/outages.csv": "".join(kept).encode()})

    key = lines[1].split(",")[0]
    assert "Row 999 of outages was added." in with_lines(*lines, forged)
    assert f"Row {key} of outages was taken out." in with_lines(lines[0])
    assert f"Row {key} of outages is there twice." in with_lines(*lines, lines[1])


def test_altered_threshold_is_named(files):
    found = faults(edited(files, "policy.json", '"min_percent":99.98', '"min_percent":90'))

    assert any("Threshold policy.gates.uptime.min_percent is 99.98" in text for text in found)


def test_altered_verdict_is_named_even_if_every_hash_is_made_anew(files):
    """Somebody with another key signs a bundle in which the decision does not follow."""
    record = json.loads(files["verdict.json"])
    record["verdict"]["decision"] = "GO"
    record["verdict"]["gates"][0]["within"] = True
    changed = json.dumps(record, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    manifest = json.loads(files["manifest.json"])
    manifest["verdict_sha256"] = manifest["files"]["verdict.json"] = hashlib.sha256(changed).hexdigest()
    key = signing_key()
    written = json.dumps(manifest).encode()
    forged = {
        **files,
        "verdict.json": changed,
        "manifest.json": written,
        "signature.txt": key.sign(written).hex().encode(),
    }

    found = faults(forged)

    assert "The readings make NO-GO, but the verdict says GO." in found
    assert any(text.startswith("Gate uptime reads") for text in found)


@pytest.mark.parametrize(
    ("table", "old", "new", "fault"),
    [
        ("incidents", ",P1,", ",P2,", "The rows hold 0 P1 incidents in the window, the verdict says 1"),
        ("cost_entries", ",5,", ",25,", "The dearest day in the rows cost 27, the verdict says 7"),
        ("outages", "true", "false", "The rows give an uptime of 1.00000000"),
    ],
)
def test_readings_are_read_again_from_the_rows(files, table, old, new, fault):
    found = faults(edited(files, f"rows/{table}.csv", old, new))

    assert any(fault in text for text in found), found


def test_any_altered_byte_is_named(files):
    names = sorted(files)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(name=st.sampled_from(names), place=st.integers(0, 10**9), step=st.integers(1, 255))
    def one_byte(name, place, step):
        content = bytearray(files[name])
        place %= len(content)
        content[place] = (content[place] + step) % 256
        if name == "signature.txt" and bytes(content).strip().lower() == files[name].strip().lower():
            return  # a space for the line's end: the same signature

        try:
            found = faults({**files, name: bytes(content)})
        except verify.NoBundle as error:
            found = [str(error)]

        assert found

    one_byte()


def zipped(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    out.seek(0)
    return out


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_zips_are_refused(files):
    good = list(files.items())
    hostile = {
        "no file named '../evil.txt'": [*good, ("../evil.txt", b"x")],
        "no file named '/etc/passwd'": [*good, ("/etc/passwd", b"x")],
        "no file named 'rows/../verify.py'": [*good, ("rows/../verify.py", b"x")],
        "verdict.json is in the zip twice": [*good, ("verdict.json", b"{}")],
        "out of all proportion": [*good[1:], (good[0][0], bytes(50_000_000))],
        "at most 64 files": [(f"rows/{'a' * n}.csv", b"x") for n in range(1, 70)],
        "The bundle lacks policy.json": [one for one in good if one[0] != "policy.json"],
    }
    for message, entries in hostile.items():
        with pytest.raises(verify.NoBundle, match=message.replace(".", r"\.")):
            verify.read_bundle(zipped(entries))
    with pytest.raises(verify.NoBundle, match="cannot be read"):
        verify.read_bundle(io.BytesIO(b"PK no zip at all"))
    broken = bytearray(zipped(good).getvalue())
    broken[200] ^= 0xFF
    with pytest.raises(verify.NoBundle):
        verify.read_bundle(io.BytesIO(bytes(broken)))


def test_zip_that_lies_about_its_size_is_refused(files):
    content = zipped(files.items()).getvalue()
    real = len(files["verdict.json"]).to_bytes(4, "little")

    lying = content.replace(real, (len(files["verdict.json"]) - 5).to_bytes(4, "little"))

    with pytest.raises(verify.NoBundle):
        verify.read_bundle(io.BytesIO(lying))


def test_bundle_of_a_stranger_is_refused(files):
    with pytest.raises(UnableToReplay, match="no verdict 2"):
        evidence_bundle(2)


def test_signing_key_is_made_once_and_readable_by_nobody_else(settings):
    first, second = public_bytes(signing_key()), public_bytes(signing_key())
    path = Path(settings.LEVQOR_VAR) / "signing_key"

    assert first == second
    assert len(fingerprint(first)) == 64
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    os.chmod(path, 0o644)
    with pytest.raises(UnableToSign, match="Others can read"):
        signing_key()


def test_signing_key_comes_from_the_environment(settings):
    settings.EVIDENCE_SIGNING_KEY = "11" * 32

    assert public_bytes(signing_key()) == public_bytes(signing_key())
    settings.EVIDENCE_SIGNING_KEY = "not a key"
    with pytest.raises(UnableToSign, match="64 hexadecimal digits"):
        signing_key()

"""Verifies an evidence bundle of the Levqor portal, offline: signature, hashes, Merkle root, decision.

    python verify.py BUNDLE.zip [--fingerprint HEX]

It needs Python 3.11 and `cryptography`, reads the zip without unpacking it, and names every file, row and
threshold that was altered. Exit code: 0 all holds, 1 something does not, 2 this is no bundle.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "levqor-evidence/1"
MOST_ENTRIES = 64
MOST_BYTES = 512 * 1024 * 1024
# Evidence is text with times in it: it packs 10 to 50 times. A bomb packs a thousand times.
MOST_RATIO = 300
_NAMES = re.compile(
    r"(verdict\.json|policy\.json|manifest\.json|signature\.txt|leaves\.txt|verify\.py|README\.txt|rows/[a-z_]+\.csv)"
)
_NEEDED = ("verdict.json", "policy.json", "manifest.json", "signature.txt", "leaves.txt")
_GATES = ("uptime", "error_rate", "p1_incidents", "intelligence_api_days", "daily_cost")
_TRIGGERS = ("p1_incident", "repeated_heal", "cost_spike", "api_errors")
_LIMITS = {
    "uptime": ("min_percent", 1),
    "error_rate": ("max_percent", -1),
    "p1_incidents": ("max_count", -1),
    "intelligence_api_days": ("min_days", 1),
    "daily_cost": ("max_usd", -1),
}
Rows = dict[str, dict[str, dict[str, str]]]


class NoBundle(Exception):
    """The file is not a bundle, or not one that may be read; the message says why."""


def read_bundle(source: Any) -> dict[str, bytes]:
    """The files of a bundle, each read in full and none written anywhere.

    Raises:
        NoBundle: for a file that is no zip, names that a bundle does not have (such as ../x), a name that is
            there twice, encryption, or content out of proportion.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
            _refuse_hostile(entries)
            files = {}
            for entry in entries:
                with archive.open(entry) as file:
                    # Not what the header promises but what comes out is counted.
                    content = file.read(entry.file_size + 1)
                if len(content) != entry.file_size:
                    raise NoBundle(f"{entry.filename} is not as long as its header says.")
                files[entry.filename] = content
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        RuntimeError,
        NotImplementedError,
        ValueError,
        zlib.error,
    ) as error:
        raise NoBundle(f"The zip cannot be read: {error}") from error
    missing = [name for name in _NEEDED if name not in files]
    if missing:
        raise NoBundle(f"The bundle lacks {', '.join(missing)}.")
    return files


def _refuse_hostile(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise NoBundle(f"A bundle has at most {MOST_ENTRIES} files, not {len(entries)}.")
    seen: set[str] = set()
    for entry in entries:
        if not _NAMES.fullmatch(entry.filename) or entry.orig_filename != entry.filename:
            raise NoBundle(f"A bundle has no file named {entry.filename!r}.")
        if entry.filename in seen:
            raise NoBundle(f"{entry.filename} is in the zip twice.")
        seen.add(entry.filename)
        if entry.flag_bits & 0x1:
            raise NoBundle(f"{entry.filename} is encrypted.")
        if entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
            raise NoBundle(f"{entry.filename} is packed out of all proportion.")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise NoBundle(f"The bundle holds more than {MOST_BYTES:,} bytes.")


def check_bundle(files: dict[str, bytes], fingerprint: str = "") -> list[str]:
    """What is wrong with the bundle, in sentences; nothing when all holds.

    Raises:
        NoBundle: when a file is not of its form at all.
    """
    manifest = _json(files, "manifest.json")
    record, policy = _json(files, "verdict.json"), _json(files, "policy.json")
    if manifest.get("format") != FORMAT:
        raise NoBundle(f"This verifier reads {FORMAT}, not {manifest.get('format')!r}.")
    try:
        faults = [*_check_signature(files, manifest, fingerprint), *_check_files(files, manifest)]
        if hashlib.sha256(files["verdict.json"]).hexdigest() != manifest["verdict_sha256"]:
            faults.append("verdict.json does not have the verdict's hash.")
        if manifest["number"] != record["number"]:
            faults.append("verdict.json is another verdict than the manifest says.")
        faults += [f"Threshold {text}" for text in _differences(record["policy"], policy, "policy")]
        rows, row_faults = _check_rows(files, manifest, record)
        faults += row_faults
        faults += _check_decision(record)
        faults += _check_readings(record, rows)
    except (KeyError, TypeError, IndexError, ValueError, AttributeError, InvalidOperation) as error:
        raise NoBundle(f"The bundle is not of the form {FORMAT}: {type(error).__name__} {error}") from error
    return faults


def _json(files: dict[str, bytes], name: str) -> dict[str, Any]:
    try:
        content = json.loads(files[name].decode())
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise NoBundle(f"{name} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise NoBundle(f"{name} is not a JSON object.")
    return content


def _check_signature(files: dict[str, bytes], manifest: dict[str, Any], wanted: str) -> Iterator[str]:
    public = bytes.fromhex(manifest["public_key"])
    actual = hashlib.sha256(public).hexdigest()
    if wanted and actual != wanted.lower().replace(":", "").strip():
        yield f"The bundle was signed with another key than yours: its fingerprint is {actual}."
    try:
        signature = bytes.fromhex(files["signature.txt"].decode().strip())
        Ed25519PublicKey.from_public_bytes(public).verify(signature, files["manifest.json"])
    except (InvalidSignature, ValueError):
        yield "signature.txt is not the key's signature over manifest.json."


def _check_files(files: dict[str, bytes], manifest: dict[str, Any]) -> Iterator[str]:
    listed = manifest["files"]
    for name in sorted(set(listed) - set(files)):
        yield f"{name} is missing."
    for name in sorted(set(files) - set(listed) - {"manifest.json", "signature.txt"}):
        yield f"{name} was added: the manifest does not list it."
    for name in sorted(set(files) & set(listed)):
        if hashlib.sha256(files[name]).hexdigest() != listed[name]:
            yield f"{name} was altered: it does not have the hash in the manifest."


def _differences(then: Any, now: Any, path: str) -> Iterator[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for name in {**then, **now}:
            yield from _differences(then.get(name), now.get(name), f"{path}.{name}")
    elif then != now:
        yield f"{path} is {then!r} in verdict.json and {now!r} in policy.json."


def _check_rows(
    files: dict[str, bytes], manifest: dict[str, Any], record: dict[str, Any]
) -> tuple[Rows, list[str]]:
    """Hash every row and compare it with its leaf, then the tree over the leaves with its root."""
    faults: list[str] = []
    leaves: dict[tuple[str, str], str] = {}
    for line in files["leaves.txt"].decode().splitlines():
        digest, table, key = line.split(" ", 2)
        if (table, key) in leaves:
            faults.append(f"leaves.txt lists row {key} of {table} twice.")
        leaves[table, key] = digest
    root = _root([bytes.fromhex(digest) for digest in leaves.values()]).hex()
    if root != manifest["merkle_root"] or root != record["rows"]["merkle_root"]:
        faults.append("leaves.txt was altered: its Merkle root is not that of the verdict.")
    if len(leaves) != record["rows"]["count"]:
        faults.append(f"leaves.txt has {len(leaves)} rows, the verdict {record['rows']['count']}.")
    rows: Rows = {}
    for name in sorted(files):
        if name.startswith("rows/"):
            table = name.removeprefix("rows/").removesuffix(".csv")
            rows[table] = {}
            for key, cells in _csv_rows(files[name]):
                if key in rows[table]:
                    faults.append(f"Row {key} of {table} is there twice.")
                rows[table][key] = cells
                digest = _leaf(table, key, cells)
                if (table, key) not in leaves:
                    faults.append(f"Row {key} of {table} was added.")
                elif leaves[table, key] != digest:
                    faults.append(f"Row {key} of {table} was altered: {_shown(cells)}.")
    faults += [
        f"Row {key} of {table} was taken out." for table, key in leaves if key not in rows.get(table, {})
    ]
    return rows, faults


def _csv_rows(content: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    csv.field_size_limit(MOST_BYTES)
    lines = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    try:
        names = next(lines)
        for line in lines:
            key, *cells = [text[1:] if text.startswith("'") else text for text in line]
            yield key, dict(zip(names[1:], cells, strict=True))
    except (csv.Error, StopIteration) as error:
        raise ValueError(f"a CSV file cannot be read: {error}") from error


def _shown(cells: dict[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in cells.items() if text)[:200]


def _leaf(table: str, key: str, cells: dict[str, str]) -> str:
    entry = json.dumps(
        [table, key, *([name, text] for name, text in cells.items())],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256(b"\x00" + entry.encode()).hexdigest()


def _root(level: list[bytes]) -> bytes:
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        level = [
            hashlib.sha256(b"\x01" + level[place] + level[place + 1]).digest()
            if place + 1 < len(level)
            else level[place]
            for place in range(0, len(level), 2)
        ]
    return level[0]


def _check_decision(record: dict[str, Any]) -> Iterator[str]:
    """GO follows from the readings: all five proven, all triggers looked at and quiet."""
    verdict, policy = record["verdict"], record["policy"]
    gates = {gate["key"]: gate for gate in verdict["gates"]}
    triggers = {one["key"]: one for one in verdict["triggers"]}
    for key, gate in gates.items():
        yield from _check_gate(key, gate, policy["gates"].get(key))
    whole = sorted(gates) == sorted(_GATES) and len(verdict["gates"]) == len(_GATES)
    whole = whole and sorted(triggers) == sorted(_TRIGGERS)
    quiet = all(one["observed"] and not one["fired"] for one in triggers.values())
    decision = "GO" if whole and quiet and all(gate["proven"] for gate in gates.values()) else "NO-GO"
    if decision != verdict["decision"]:
        yield f"The readings make {decision}, but the verdict says {verdict['decision']}."
    for name in ("within", "proven"):
        number = sum(bool(gate[name]) for gate in verdict["gates"])
        if number != verdict[name]:
            yield f"{number} gates are {name}, but the verdict says {verdict[name]}."


def _check_gate(key: str, gate: dict[str, Any], criterion: dict[str, Any] | None) -> Iterator[str]:
    if gate["proven"] and (not gate["within"] or gate["missing"] or criterion is None):
        yield f"Gate {key} is called proven without being so."
    if criterion is None:
        return
    name, sign = _LIMITS[key]
    limit = Fraction(str(criterion[name]))
    if gate["limit"] is None or Fraction(str(gate["limit"])) != limit:
        yield f"Gate {key} was judged by {gate['limit']}, but the policy says {criterion[name]}."
    value = gate["value"]
    inside = value is not None and sign * (Fraction(str(value)) - limit) >= 0
    if gate["within"] and not inside:
        yield f"Gate {key} reads {value}, which is not within {criterion[name]}."


def _check_readings(record: dict[str, Any], rows: Rows) -> Iterator[str]:
    """Read the gates again from the rows, by code that shares nothing with the portal's."""
    evidence, readings = record["evidence"], {gate["key"]: gate for gate in record["verdict"]["gates"]}
    at = _moment(evidence["judged_at"])
    window = (_moment(evidence["window"]["start"]), _moment(evidence["window"]["end"]))
    facts = evidence["error_rate"]
    # Counted from the log alone; what else was counted is not in the bundle's tables.
    if facts is not None and facts["rows"] == ["health_log"]:
        span = (_moment(facts["window"]["start"]), _moment(facts["window"]["end"]))
        total, bad = _count(rows, *span)
        if (total, bad) != (facts["total"], facts["bad"]):
            told = f"{facts['bad']} of {facts['total']}"
            yield f"The rows hold {bad} bad of {total} observations, the verdict says {told}."
    if evidence["incidents"] is not None:
        found = sum(
            _is_p1(cells, window[0], min(window[1], at + timedelta(microseconds=1)))
            for cells in rows.get("incidents", {}).values()
        )
        value = readings["p1_incidents"]["value"]
        if value is not None and found != value:
            yield f"The rows hold {found} P1 incidents in the window, the verdict says {value}."
    dearest = _dearest_day(rows, window, at)
    value = readings["daily_cost"]["value"]
    if dearest is not None and value is not None and float(dearest) != float(value):
        yield f"The dearest day in the rows cost {dearest}, the verdict says {value}."
    if evidence["uptime"] is not None:
        yield from _check_uptime(evidence["uptime"], rows, window, at)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _count(rows: Rows, start: datetime, end: datetime) -> tuple[int, int]:
    """All and bad observations in [start, end): whole hours, whole minutes around them, rows at the edges."""
    total = bad = 0
    for at, cells in _rolled(rows, "health_hours"):
        if start <= at and at + timedelta(hours=1) <= end:
            total, bad = total + int(cells["total"]), bad + int(cells["bad"])
    first = -(-(start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(hours=1))
    hours_start = datetime(1970, 1, 1, tzinfo=UTC) + first * timedelta(hours=1)
    hours_end = end.replace(minute=0, second=0, microsecond=0)
    for at, cells in _rolled(rows, "health_minutes"):
        outside = not hours_start <= at < hours_end
        if outside and start <= at and at + timedelta(minutes=1) <= end:
            total, bad = total + int(cells["total"]), bad + int(cells["bad"])
    first = -(-(start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(minutes=1))
    minutes_start = datetime(1970, 1, 1, tzinfo=UTC) + first * timedelta(minutes=1)
    minutes_end = end.replace(second=0, microsecond=0)
    for cells in rows.get("system_health_log", {}).values():
        at = _moment(cells["ts"])
        if start <= at < end and not minutes_start <= at < minutes_end:
            total, bad = total + 1, bad + (cells["ok"] == "false")
    return total, bad


def _rolled(rows: Rows, table: str) -> Iterator[tuple[datetime, dict[str, str]]]:
    for key, cells in rows.get(table, {}).items():
        yield datetime.strptime(key.rsplit("/", 1)[1], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC), cells


def _is_p1(cells: dict[str, str], start: datetime, end: datetime) -> bool:
    if cells["severity"] in ("P2", "P3", "P4") or _moment(cells["opened_at"]) >= end:
        return False
    return not cells["resolved_at"] or _moment(cells["resolved_at"]) >= start


def _dearest_day(rows: Rows, window: tuple[datetime, datetime], at: datetime) -> Decimal | None:
    totals: dict[date, Decimal] = {}
    last = (window[1] - timedelta(microseconds=1)).date()
    for cells in rows.get("cost_entries", {}).values():
        day = date.fromisoformat(cells["day"])
        if window[0].date() <= day <= last and day < at.date():
            totals[day] = totals.get(day, Decimal(0)) + Decimal(cells["amount"])
    return max(totals.values(), default=None)


def _check_uptime(
    facts: dict[str, Any], rows: Rows, window: tuple[datetime, datetime], at: datetime
) -> Iterator[str]:
    start, end = window[0], min(window[1], at)
    critical = {c["name"] for c in rows.get("endpoints", {}).values() if c["critical"] == "true"}
    if not critical or end <= start:
        return
    seen: dict[str, list[tuple[datetime, datetime]]] = {name: [] for name in critical}
    for cells in rows.get("observed_spans", {}).values():
        if cells["endpoint"] in critical:
            seen[cells["endpoint"]].append((_moment(cells["started_at"]), _moment(cells["ended_at"])))
    sure: list[tuple[str, datetime, datetime]] = []
    likely: list[tuple[str, datetime, datetime]] = []
    for cells in rows.get("outages", {}).values():
        if cells["endpoint"] in critical and (cells["confirmed"] == "true" or not cells["first_good_at"]):
            first, last = _moment(cells["first_bad_at"]), _moment(cells["last_bad_at"])
            begun = _middle(_moment(cells["last_good_at"]), first) if cells["last_good_at"] else first
            over = (
                _middle(last, _moment(cells["first_good_at"]))
                if cells["first_good_at"]
                else max(at, first, last)
            )
            sure.append((cells["endpoint"], first, last))
            likely.append((cells["endpoint"], begun, over))
    spared = [
        (name, _moment(cells["starts_at"]), _moment(cells["ends_at"]))
        for cells in rows.get("maintenance_windows", {}).values()
        for name in json.loads(cells["endpoints"])
        if name in critical
    ]
    pieces = [("seen", name, *span) for name, spans in seen.items() for span in spans]
    pieces += [("sure", *one) for one in sure] + [("likely", *one) for one in likely]
    pieces += [("spared", *one) for one in spared]
    known, down, excluded = _sweep(critical, pieces, start, end)
    coverage = (known + excluded) / (window[1] - window[0])
    if facts["coverage"] is None or abs(coverage - facts["coverage"]) > 1e-9:
        yield f"The rows cover {coverage:.6f} of the window, the verdict says {facts['coverage']}."
    if known:
        share = 1 - down / known
        if facts["likely"] is None or abs(share - facts["likely"]) > 1e-9:
            yield f"The rows give an uptime of {share:.8f}, the verdict says {facts['likely']}."


def _sweep(
    critical: set[str], pieces: list[tuple[str, str, datetime, datetime]], start: datetime, end: datetime
) -> tuple[timedelta, timedelta, timedelta]:
    """Walk from edge to edge: how long the platform was judged, likely down, and all of it in maintenance."""
    events: list[tuple[datetime, int, str, str]] = [(start, 0, "", ""), (end, 0, "", "")]
    for kind, name, begun, over in pieces:
        low, high = max(begun, start), min(over, end)
        if low < high:
            events += [(low, 1, kind, name), (high, -1, kind, name)]
    events.sort(key=lambda event: event[0])
    active: dict[tuple[str, str], int] = {}
    known, down, excluded, before = timedelta(0), timedelta(0), timedelta(0), start
    for at, step, kind, name in events:
        if at > before:
            spared = {one for one in critical if active.get(("spared", one))}
            watched = {one for one in critical - spared if active.get(("seen", one))}
            surely = any(active.get(("sure", one)) for one in watched)
            if spared == critical:
                excluded += at - before
            elif surely or watched | spared == critical:
                known += at - before
                if surely or any(active.get(("likely", one)) for one in watched):
                    down += at - before
            before = at
        if step:
            active[kind, name] = active.get((kind, name), 0) + step
    return known, down, excluded


def _middle(first: datetime, second: datetime) -> datetime:
    return first + (second - first) / 2


def main(arguments: list[str] | None = None) -> int:
    """Verify the bundle that the command line names, and say what was found."""
    parser = argparse.ArgumentParser(description="Verify an evidence bundle, offline.")
    parser.add_argument("bundle")
    parser.add_argument(
        "--fingerprint", default="", help="of the portal's public key, from the portal itself"
    )
    options = parser.parse_args(arguments)
    try:
        files = read_bundle(options.bundle)
        faults = check_bundle(files, options.fingerprint)
        record = _json(files, "verdict.json")
        public = bytes.fromhex(_json(files, "manifest.json")["public_key"])
    except NoBundle as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for fault in faults:
        sys.stdout.write(f"FAULT: {fault}\n")
    verdict = record["verdict"]
    if faults:
        sys.stdout.write(f"{len(faults)} faults: this is not the evidence that was signed.\n")
        return 1
    sys.stdout.write(
        f"Verified: verdict {record['number']}, {verdict['decision']}, judged {verdict['at']},"
        f" {record['rows']['count']} rows.\n"
    )
    sys.stdout.write(f"Fingerprint of the key: {hashlib.sha256(public).hexdigest()}\n")
    if not options.fingerprint:
        sys.stdout.write(
            "Compare it with the fingerprint that the portal shows, or give it as --fingerprint.\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

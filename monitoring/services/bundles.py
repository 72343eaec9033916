"""Evidence bundles: a stored verdict with all it rests on, signed, in a zip that an auditor checks offline."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import rfc8785

from monitoring import verifier
from monitoring.domain.bundles import FORMAT, csv_files, leaves_file
from monitoring.domain.evidence_rows import merkle_root, unpack
from monitoring.models import VerdictRows
from monitoring.services.signing import UnableToSign, fingerprint, public_bytes, signing_key
from monitoring.services.verdicts import UnableToReplay, record_of, verdict_numbered

# Every zip entry has this date: the same verdict gives the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
_README = """Evidence of verdict {number} ({decision}), judged {at}.

verify.py checks this bundle offline. It needs Python 3.11 and the package `cryptography`:

    python verify.py BUNDLE.zip --fingerprint FINGERPRINT

Take the fingerprint of the portal's public key from the portal or its operators, not from this bundle, and
take verify.py from the portal's source if you do not want to trust the copy in here. This bundle says:

    {fingerprint}

verdict.json   what was hashed: decision, readings, evidence, policy, code (canonical JSON, RFC 8785)
policy.json    the criteria, as they stand in verdict.json
rows/*.csv     the stored rows that the readings rest on, as they stood when it was judged; a text that begins
               with = + - @ or ' has a ' before it, so that no spreadsheet runs it
leaves.txt     the hash of every row, in the order of the Merkle tree (RFC 6962)
manifest.json  the SHA-256 of every file, the Merkle root and the public key
signature.txt  the Ed25519 signature over manifest.json, as hexadecimal digits
"""

__all__ = ["Bundle", "UnableToReplay", "UnableToSign", "evidence_bundle"]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle's bytes, and the fingerprint of the key that signed it."""

    content: bytes
    fingerprint: str
    rows: int


def evidence_bundle(number: int) -> Bundle:
    """The signed evidence of verdict `number`. The same verdict and key give the same bytes.

    Raises:
        UnableToReplay: when there is no such verdict, or what is stored of it was changed.
        UnableToSign: without a usable key.
    """
    stored = verdict_numbered(number)
    record = record_of(stored)
    rows = unpack(bytes(VerdictRows.objects.get(verdict=stored).packed))
    root = merkle_root(rows)
    if (
        hashlib.sha256(stored.record.encode()).hexdigest() != stored.hash
        or root != record["rows"]["merkle_root"]
    ):
        raise UnableToReplay(
            f"What is stored of verdict {number} was changed; see go_nogo --verify {number}."
        )
    key = signing_key()
    public = public_bytes(key)
    files = {
        "verdict.json": stored.record.encode(),
        "policy.json": rfc8785.dumps(record["policy"]),
        "leaves.txt": leaves_file(rows),
        "verify.py": Path(verifier.__file__).with_name("verify.py").read_bytes(),
        "README.txt": _README.format(
            number=number,
            decision=stored.decision,
            at=record["verdict"]["at"],
            fingerprint=fingerprint(public),
        ).encode(),
        **csv_files(rows),
    }
    manifest = rfc8785.dumps(
        {
            "format": FORMAT,
            "number": number,
            "verdict_sha256": stored.hash,
            "merkle_root": root,
            "row_count": len(rows),
            "public_key": public.hex(),
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        }
    )
    files |= {"manifest.json": manifest, "signature.txt": key.sign(manifest).hex().encode() + b"\n"}
    return Bundle(_zipped(files), fingerprint(public), len(rows))


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return out.getvalue()

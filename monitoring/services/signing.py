"""The portal's Ed25519 key under evidence bundles: from the environment, else a file that only it can read."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

_SEED_BYTES = 32


class UnableToSign(Exception):
    """There is no usable key; the message says how to mend it."""


def signing_key() -> Ed25519PrivateKey:
    """The key of EVIDENCE_SIGNING_KEY, else the one in LEVQOR_VAR, which is made when it is needed first.

    Raises:
        UnableToSign: when the key cannot be read, or others can read it.
    """
    if settings.EVIDENCE_SIGNING_KEY:
        return _key(settings.EVIDENCE_SIGNING_KEY, "EVIDENCE_SIGNING_KEY")
    path = Path(settings.LEVQOR_VAR) / "signing_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _key(_private_text(path), str(path))
    with os.fdopen(handle, "w") as file:
        file.write(os.urandom(_SEED_BYTES).hex() + "\n")
    return _key(_private_text(path), str(path))


def _private_text(path: Path) -> str:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise UnableToSign(
            f"Others can read {path}: chmod 600 it, or delete it and tell auditors the new key."
        )
    return path.read_text("ascii", errors="replace")


def _key(text: str, source: str) -> Ed25519PrivateKey:
    try:
        seed = bytes.fromhex(text.strip())
    except ValueError:
        seed = b""
    if len(seed) != _SEED_BYTES:
        raise UnableToSign(f"{source} must hold 64 hexadecimal digits, an Ed25519 seed.")
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public key."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def fingerprint(public: bytes) -> str:
    """SHA-256 of the public key, as 64 hex digits: what auditors compare."""
    return hashlib.sha256(public).hexdigest()

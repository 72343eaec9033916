"""The passwords of the embedded servers and the portal's key, made once and kept in `secrets.json`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, fields
from pathlib import Path

from levqor.runtime.files import read_json, write_json

SECRETS_FILE = "secrets.json"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Random, 256 bits each, URL-safe. No `repr`: a traceback must not print them."""

    superuser_password: str
    owner_password: str
    app_password: str
    valkey_password: str
    secret_key: str


def ensure_credentials(var: Path) -> Credentials:
    """This will read `secrets.json` in `var`, making what is missing (mode 0600)."""
    path = var / SECRETS_FILE
    stored = read_json(path)
    wanted = {
        field.name: stored.get(field.name) or secrets.token_urlsafe(32) for field in fields(Credentials)
    }
    if wanted != stored:
        write_json(path, wanted)
    path.chmod(0o600)
    return Credentials(**wanted)

"""The embedded run: a private PostgreSQL and Valkey, and the programs that `manage.py up` keeps alive.

Nothing here imports Django: the settings read the addresses from here, and the supervisor stays small.
"""

import json
import os
import warnings
from pathlib import Path

ADDRESS_FILE = "runtime.json"
PROBE_KEY_FILE = "probe_key"


def addresses(var: Path) -> dict[str, str]:
    """The addresses and the key that a running `up` wrote into `var`, or nothing when none runs.

    Keys: `DATABASE_URL`, `DATABASE_ADMIN_URL`, `REDIS_URL`, `SECRET_KEY`, each only where embedded. Warns
    when the file belongs to another account, because "nothing runs" would then be the wrong advice.
    """
    path = var / ADDRESS_FILE
    try:
        written = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except PermissionError:
        warnings.warn(
            f"{path} belongs to another account. Run this as the account that runs `up`, or set "
            "DATABASE_URL, REDIS_URL and SECRET_KEY.",
            stacklevel=2,
        )
        return {}
    return dict(written["addresses"]) if _is_alive(int(written["pid"])) else {}


def probe_key(var: Path) -> str:
    """The token that `prepare` made for the portal's own prober, or "" when there is none to be read."""
    try:
        return (var / PROBE_KEY_FILE).read_text().strip()
    except (FileNotFoundError, PermissionError):
        return ""


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

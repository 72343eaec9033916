"""The children's log files, kept small.

Children write to the files themselves (append only), so that their last words survive us; we only cut.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
KEPT = 3


def rotate_if_large(path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> bool:
    """This will move the content of a file larger than `max_bytes` to `path.1` and empty it; whether it did.

    Older ones move on up to `path.{kept}`. The file itself stays in place because its writer has it open. A
    line written between the copy and the cut is lost; that is a moment at every 10 MB.
    """
    try:
        if path.stat().st_size <= max_bytes:
            return False
    except FileNotFoundError:
        return False
    for number in range(kept - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    return True

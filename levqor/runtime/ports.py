"""Loopback ports, chosen once and remembered so that addresses stay the same from start to start."""

from __future__ import annotations

import socket
from pathlib import Path

from levqor.runtime.files import read_json, write_json

LOOPBACK = "127.0.0.1"
PORTS_FILE = "ports.json"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def remembered_port(var: Path, name: str) -> int:
    """This will return the port `name` had at the last start, or a new free one when that is taken."""
    path = var / PORTS_FILE
    ports = read_json(path)
    port = ports.get(name)
    if not isinstance(port, int) or not is_free(port):
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        write_json(path, {**ports, name: port})
    return port

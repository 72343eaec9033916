"""Loopback ports, chosen once and remembered so that addresses stay the same from start to start."""

from __future__ import annotations

import random
import socket
from ipaddress import ip_address
from pathlib import Path

from levqor.runtime.files import read_json, write_json

LOOPBACK = "127.0.0.1"
PORTS_FILE = "ports.json"
# Linux hands out 32768 and up, IANA's dynamic ports begin at 49152.
_CHOICE = range(20_000, 32_000)


def reached_at(host: str) -> str:
    """Where this machine reaches a server that listens on `host`: loopback for one that listens everywhere."""
    if host == "localhost":
        return LOOPBACK
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return LOOPBACK if address.version == 4 else "::1"


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
    if not isinstance(port, int) or port not in _CHOICE or not is_free(port):
        port = free_port()
        write_json(path, {**ports, name: port})
    return port


def free_port() -> int:
    """A loopback port on which nobody listens, below those that the system gives to outgoing connections.

    One of the others would not do: while a server is away, a client that tries to reach it again and again
    can be given the very port it asks for, and is then connected to itself; the server never gets it back.

    Raises:
        OSError: when every port tried was taken.
    """
    for port in random.sample(_CHOICE, 200):
        if is_free(port):
            return port
    raise OSError(f"No free port among 200 tried from {_CHOICE.start} to {_CHOICE.stop - 1}.")

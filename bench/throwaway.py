"""A portal's database for one benchmark: real PostgreSQL and Valkey, durable as in production, gone afterwards."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def start() -> None:
    """Start and migrate servers of our own, unless the environment names some, and set Django up."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")
    os.environ.setdefault("SECRET_KEY", "a key for benchmarks, of no worth to anybody " * 2)
    if "DATABASE_URL" not in os.environ:
        _start_servers()
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _start_servers() -> None:
    from levqor.runtime.servers import EmbeddedServers

    folder = Path(tempfile.mkdtemp(prefix="levqor-bench-"))
    servers = EmbeddedServers(folder / "var")
    os.environ |= servers.start()
    os.environ["LEVQOR_VAR"] = str(folder / "portal")

    def stop() -> None:
        from django.db import connections

        connections.close_all()
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)

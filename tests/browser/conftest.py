"""Chromium, driven by Playwright. Where none is installed the tests are skipped, never in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """The installed Chromium; skips the test where there is none, fails it in CI."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    reason = "No Chromium is installed: run `make browser` (apt-get install chromium)."
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def chromium(live_server: Any) -> Iterator[Any]:
    """A browser. Comes after the server and the rows: under its event loop Django refuses the ORM."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright: pip install -r requirements-dev.txt"
    )
    path = chromium_path()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()

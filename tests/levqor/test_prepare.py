from __future__ import annotations

import re
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from levqor.runtime import probe_key
from monitoring.models import BurnIn, Endpoint
from tenancy.models import ApiToken

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def prepare() -> str:
    out = StringIO()
    call_command("prepare", "--base-url", "http://127.0.0.1:8000", stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _var(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LEVQOR_VAR = tmp_path
    settings.LEVQOR_ADMIN_PASSWORD = ""
    monkeypatch.delenv("LEVQOR_PROBE_KEY", raising=False)


def test_prepare_makes_what_the_first_minute_needs(tmp_path: Path) -> None:
    said = prepare()

    shown = re.search(r"one-time password, shown only now: (\S+)", said)
    assert shown is not None
    assert User.objects.get(is_superuser=True).check_password(shown[1])
    assert BurnIn.objects.count() == 1
    assert Endpoint.objects.filter(url__startswith="http://127.0.0.1:8000/").count() == 7
    assert PeriodicTask.objects.filter(enabled=True).count() >= 18
    assert stat.S_IMODE((tmp_path / "probe_key").stat().st_mode) == 0o600


def test_prepare_again_changes_nothing_and_says_nothing(tmp_path: Path) -> None:
    prepare()
    key, tokens = probe_key(tmp_path), ApiToken.objects.count()

    said = prepare()

    assert said == ""
    assert probe_key(tmp_path) == key
    assert ApiToken.objects.count() == tokens
    assert BurnIn.objects.count() == 1

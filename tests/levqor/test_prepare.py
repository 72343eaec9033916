from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from levqor import first_run
from levqor.management.commands import prepare
from monitoring.models import BurnIn, CostEntry, Endpoint
from tenancy.domain.tokens import digest_of
from tenancy.models import ApiToken
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _of_its_own(settings, tmp_path, monkeypatch):
    settings.LEVQOR_VAR = tmp_path
    settings.LEVQOR_PROBE_KEY = ""
    settings.LEVQOR_ADMIN_PASSWORD = ""
    # The test's database is migrated already, by the owner, whom this process may not be.
    monkeypatch.setattr(prepare, "call_command", lambda *words, **options: None)


def run():
    out = StringIO()
    call_command("prepare", "--base-url", "http://127.0.0.1:8000", stdout=out)
    return out.getvalue()


def test_prepare_makes_a_portal_ready_for_its_first_minute(tmp_path):
    output = run()

    assert "one-time password, shown only now: " in output
    assert User.objects.get(is_superuser=True).check_password(output.split("only now: ")[1].split()[0])
    assert BurnIn.objects.current().count() == 1
    assert Endpoint.objects.count() == 7
    assert CostEntry.objects.count() == 2
    assert PeriodicTask.objects.filter(enabled=True).count() >= 18
    key = tmp_path / "probe_key"
    assert ApiToken.objects.filter(digest=digest_of(key.read_text().strip()), scope="read").exists()
    assert key.stat().st_mode & 0o777 == 0o600


def test_prepare_again_changes_nothing():
    run()
    before = (
        User.objects.count(),
        ApiToken.objects.count(),
        Endpoint.objects.count(),
        BurnIn.objects.count(),
    )

    output = run()

    assert output == ""
    after = (User.objects.count(), ApiToken.objects.count(), Endpoint.objects.count(), BurnIn.objects.count())
    assert after == before


def test_prepare_does_not_print_a_password_that_was_given(settings):
    settings.LEVQOR_ADMIN_PASSWORD = "a-password-of-my-own"

    output = run()

    assert "password" not in output
    assert User.objects.get(username="operator").check_password("a-password-of-my-own")


def test_ensure_probe_key_replaces_one_that_no_longer_opens_the_api():
    key = first_run.ensure_probe_key("", now=NOON)
    ApiToken.objects.update(revoked_at=NOON)

    assert first_run.ensure_probe_key(key, now=NOON) != key

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from monitoring.models import JobRun
from monitoring.services.housekeeping import keep_house
from tenancy.context import control_plane
from tests.monitoring.runs import make_run

pytestmark = pytest.mark.django_db


def _partitions():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '^health_[0-9]{8}$' ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def test_keep_house_makes_a_week_ahead_and_forgets_old_runs():
    now = timezone.now()
    make_run(at=now - timedelta(days=731))
    kept = make_run(at=now - timedelta(days=729))

    with control_plane("test"):
        said = keep_house(now)
        again = keep_house(now)

    assert f"health_{now + timedelta(days=7):%Y%m%d}" in _partitions()
    assert "1 runs" in said
    assert again.startswith("0 partitions made, 0 dropped; 0 runs")
    assert list(JobRun.objects.values_list("pk", flat=True)) == [kept.pk]

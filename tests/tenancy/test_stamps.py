from uuid import uuid4

import pytest
from django.core import signing

from tenancy.context import control_scope, tenant_scope
from tenancy.domain.modes import TenantStatus
from tenancy.models import Tenant
from tenancy.stamps import BadStamp, make_stamp, read_stamp

pytestmark = pytest.mark.django_db

_MESSAGE = {"task": "x.tasks.y", "task_id": "1"}


@pytest.fixture
def tenant():
    return Tenant.objects.get(ext_id="000-CORE")


def test_a_stamp_brings_the_scope_back(tenant):
    stamps = [make_stamp(scope, **_MESSAGE) for scope in (tenant_scope(tenant), control_scope("test"))]

    scopes = [read_stamp(stamp, **_MESSAGE) for stamp in stamps]

    assert scopes == [tenant_scope(tenant), control_scope("x")]


@pytest.mark.parametrize(
    "stamp", [None, "", "x", 7, {"scope": "control"}, "eyJzY29wZSI6ImNvbnRyb2wifQ:1:abc"]
)
def test_what_was_not_made_here_is_refused(stamp):
    with pytest.raises(BadStamp):
        read_stamp(stamp, **_MESSAGE)


def test_a_value_signed_here_for_something_else_is_refused():
    claims = {"scope": "control", "epoch": 0, "task": "x.tasks.y", "id": "1"}

    with pytest.raises(BadStamp, match="not made here"):
        read_stamp(signing.dumps(claims, salt="another"), **_MESSAGE)


@pytest.mark.parametrize("other", [{"task": "x.tasks.z"}, {"task_id": "2"}])
def test_a_stamp_of_another_message_is_refused(tenant, other):
    stamp = make_stamp(tenant_scope(tenant), **_MESSAGE)

    with pytest.raises(BadStamp, match="another message"):
        read_stamp(stamp, **{**_MESSAGE, **other})


def test_a_stamp_from_before_the_cut_over_is_refused(tenant):
    stamp = make_stamp(tenant_scope(tenant), **_MESSAGE)
    Tenant.objects.filter(pk=tenant.pk).update(epoch=tenant.epoch + 1)

    with pytest.raises(BadStamp, match="before the cut-over"):
        read_stamp(stamp, **_MESSAGE)


def test_a_stamp_of_a_tenant_that_is_not_served_is_refused(tenant):
    stamp = make_stamp(tenant_scope(tenant), **_MESSAGE)
    other = next(status for status in TenantStatus if status is not TenantStatus.ACTIVE)
    Tenant.objects.filter(pk=tenant.pk).update(status=other.value)

    with pytest.raises(BadStamp, match="not served"):
        read_stamp(stamp, **_MESSAGE)


def test_a_stamp_of_no_tenant_is_refused():
    unknown = Tenant(id=uuid4(), ext_id="T-404", epoch=0)
    stamp = make_stamp(tenant_scope(unknown), **_MESSAGE)

    with pytest.raises(BadStamp, match="not served"):
        read_stamp(stamp, **_MESSAGE)

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.http import HttpResponse
from django.test import RequestFactory

from tenancy.context import current_scope
from tenancy.domain.row_security import CONTROL_ROLE, TENANT_ROLE
from tenancy.middleware import ScopeMiddleware
from tests.cast import make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return make_cast()


def scope_of(user, path="/admin/", **headers):
    """The scope in which the view of a request of `user` runs."""
    seen = []

    def view(request):
        seen.append(current_scope())
        return HttpResponse()

    request = RequestFactory().get(path, **headers)
    request.user = user
    ScopeMiddleware(view)(request)
    assert current_scope() is None
    return seen[0]


def staff(user):
    user.is_staff = True
    user.save()
    return user


def test_strangers_and_plain_users_have_no_scope(cast):
    assert scope_of(AnonymousUser()) is None
    assert scope_of(cast.alice) is None


def test_staff_act_in_their_tenant(cast):
    scope = scope_of(staff(cast.alice))

    assert (scope.role, scope.tenant_id) == (TENANT_ROLE, cast.tenant.pk)


def test_staff_outside_the_admin_have_no_scope(cast):
    assert scope_of(staff(cast.alice), path="/api/intelligence/status") is None


def test_the_header_chooses_among_own_tenants_only(cast):
    alice = staff(cast.alice)

    assert scope_of(alice, HTTP_X_TENANT_ID=cast.other.ext_id) is None
    assert scope_of(alice, HTTP_X_TENANT_ID=cast.tenant.ext_id).tenant_id == cast.tenant.pk


def test_the_right_to_the_control_plane_opens_it(cast):
    bob = staff(cast.bob)
    bob.user_permissions.add(Permission.objects.get(codename="use_control_plane"))

    assert scope_of(type(bob).objects.get(pk=bob.pk)).role == CONTROL_ROLE


def test_staff_of_no_active_tenant_have_no_scope(cast):
    cast.tenant.status = "suspended"
    cast.tenant.save()

    assert scope_of(staff(cast.alice)) is None


def test_the_scope_ends_with_the_request_even_when_the_view_fails(cast):
    def view(request):
        raise RuntimeError

    request = RequestFactory().get("/admin/")
    request.user = staff(cast.alice)
    with pytest.raises(RuntimeError):
        ScopeMiddleware(view)(request)

    assert current_scope() is None

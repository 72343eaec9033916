import pytest
from django.contrib.auth.models import Group, User

from tenancy.context import control_transaction
from tenancy.models import Tenant, TenantAudit, TenantUser
from tests.factories import core, make_tenant
from tests.people import browser_of, make_person, make_superuser

pytestmark = pytest.mark.django_db

TENANTS, MEMBERS, USERS = "/admin/tenancy/tenant/", "/admin/tenancy/tenantuser/", "/admin/auth/user/"


def audited(tenant):
    with control_transaction("test"):
        return list(TenantAudit.objects.filter(tenant=tenant).order_by("seq").values_list("event", "actor"))


def test_a_tenant_is_made_and_changed_with_an_audit_row_each():
    ada = browser_of(make_superuser())

    ada.post(f"{TENANTS}add/", {"ext_id": "T-9", "name": "Bolt", "plan": "pro", "region": "eu-west-1"})
    tenant = Tenant.objects.get(ext_id="T-9")
    changed = {"name": "Bolt Ltd", "plan": "pro", "region": "eu-west-1", "status": "active"}
    ada.post(f"{TENANTS}{tenant.pk}/change/", {**changed, "mode": "schema", "ext_id": "T-10"})

    tenant.refresh_from_db()
    assert (tenant.ext_id, tenant.name, tenant.mode) == ("T-9", "Bolt Ltd", "single")
    assert audited(tenant) == [("tenant_created", "ada"), ("tenant_changed", "ada")]


def test_a_member_is_made_with_an_audit_row():
    ada, tom = browser_of(make_superuser()), make_person("tom")

    ada.post(f"{MEMBERS}add/", {"tenant": core().pk, "user": tom.pk, "role": "operator"})

    assert TenantUser.objects.get(user=tom).role == "operator"
    assert audited(core())[-1] == ("member_added", "ada")


def test_a_tenant_s_admin_changes_roles_in_their_own_tenant_only():
    bolt, acme = make_tenant("Bolt"), make_tenant("Acme")
    tina = make_person("tina", "tenant admin", tenant=bolt)
    tom, stranger = make_person("tom", tenant=bolt), make_person("stranger", tenant=acme)
    browser = browser_of(tina)

    for user in (tom, stranger):
        browser.post(f"{MEMBERS}{TenantUser.objects.get(user=user).pk}/change/", {"role": "viewer"})
    added = browser.get(f"{MEMBERS}add/")

    assert TenantUser.objects.get(user=tom).role == "viewer"
    assert TenantUser.objects.get(user=stranger).role == "admin"
    assert added.status_code == 403


def test_a_tenant_s_admin_changes_no_tenant():
    bolt = make_tenant("Bolt")
    tina = make_person("tina", "tenant admin", tenant=bolt)

    answer = browser_of(tina).post(f"{TENANTS}{bolt.pk}/change/", {"name": "Mine"})

    bolt.refresh_from_db()
    assert answer.status_code == 403
    assert bolt.name == "Bolt"


def test_a_platform_admin_cannot_raise_anybody_to_superuser():
    ada, paul = make_superuser(), make_person("paul", "platform admin")
    browser = browser_of(paul)

    of_superuser = browser.post(f"{USERS}{ada.pk}/change/", {"username": "ada", "is_superuser": ""})
    password = browser.get(f"{USERS}{ada.pk}/password/")
    browser.post(
        f"{USERS}{paul.pk}/change/",
        {
            "username": "paul",
            "is_staff": "on",
            "is_active": "on",
            "is_superuser": "on",
            "groups": [group.pk for group in Group.objects.filter(name="platform admin")],
            "date_joined_0": "2025-11-11",
            "date_joined_1": "00:00:00",
        },
    )

    assert (of_superuser.status_code, password.status_code) == (403, 403)
    assert list(User.objects.filter(is_superuser=True)) == [ada]


def test_a_platform_admin_changes_no_role():
    paul = make_person("paul", "platform admin")
    group = Group.objects.get(name="viewer")

    answer = browser_of(paul).post(f"/admin/auth/group/{group.pk}/change/", {"name": "viewer"})

    assert answer.status_code == 403
    assert group.permissions.exists()

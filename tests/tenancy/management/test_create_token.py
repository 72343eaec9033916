from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tenancy.models import ApiToken
from tests.cast import make_cast

pytestmark = pytest.mark.django_db

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)


def create(*arguments):
    out, err = StringIO(), StringIO()
    with time_machine.travel(NOON, tick=False):
        call_command("create_token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_token_stands_alone_and_opens_the_api(client):
    cast = make_cast()

    out, err = create(cast.alice.username, "--name", "CI", "--scope", "write", "--expires", "2w")

    token = out.strip()
    assert out == f"{token}\n"
    assert token not in err
    row = ApiToken.objects.get()
    assert (row.name, row.scope, row.expires_at) == ("CI", "write", NOON + timedelta(weeks=2))
    with time_machine.travel(NOON):
        answer = client.get("/api/intelligence/anomalies", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_without_options_it_reads_for_ninety_days():
    create(make_cast().alice.username)

    row = ApiToken.objects.get()
    assert (row.scope, row.expires_at) == ("read", NOON + timedelta(days=90))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "No user 'nobody'. There are: "),
        (["no\0body"], "No user"),
        (["{alice}", "--expires", "soon"], "--expires: 'soon' is no lifetime"),
        (["{alice}", "--expires", "0d"], "is no lifetime"),
        (["{alice}", "--name", " "], "--name: write 1 to 100"),
        (["{alice}", "--scope", "admin"], "invalid choice: 'admin'"),
    ],
)
def test_a_wrong_argument_is_said_and_makes_no_token(arguments, message):
    alice = make_cast().alice.username

    with pytest.raises(CommandError, match=message):
        create(*(argument.format(alice=alice) for argument in arguments))

    assert not ApiToken.objects.exists()


def test_an_inactive_user_gets_none():
    User.objects.create_user("gone", is_active=False)

    with pytest.raises(CommandError, match="not active"):
        create("gone")


def test_a_user_of_no_tenant_is_warned():
    User.objects.create_user("lonely")

    assert "member of no active tenant" in create("lonely")[1]

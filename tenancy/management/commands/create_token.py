from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tenancy.domain.tokens import TokenScope, parse_lifetime
from tenancy.models import Tenant
from tenancy.services.members import create_token

_LONGEST_NAME = 100


class Command(BaseCommand):
    help = "Make an API token in a user's name and print it, once, as the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="The user whose tenants the token opens.")
        parser.add_argument("--name", default="command line", help="What the token is for.")
        parser.add_argument("--scope", choices=[scope.value for scope in TokenScope], default="read")
        parser.add_argument(
            "--expires", default="90d", metavar="90d", help="How long it lives: a number and h, d or w."
        )

    def handle(self, *args: Any, user: str, name: str, scope: str, expires: str, **options: Any) -> None:
        try:
            lifetime = parse_lifetime(expires)
        except ValueError as error:
            raise CommandError(f"--expires: {error}") from error
        if not name.strip() or len(name) > _LONGEST_NAME or "\0" in name:
            raise CommandError(f"--name: write 1 to {_LONGEST_NAME} characters.")
        owner = self._owner(user)
        if not Tenant.objects.of_member(owner.pk).exists():
            self.stderr.write(
                f"{user} is a member of no active tenant: until that changes the token opens nothing."
            )
        now = timezone.now()
        token = create_token(user=owner, name=name, scope=TokenScope(scope), now=now, lifetime=lifetime)
        self.stderr.write(
            f"Scope {scope}, expires {now + lifetime:%Y-%m-%d %H:%M} UTC. It is not shown again:"
        )
        self.stdout.write(token)

    @staticmethod
    def _owner(username: str) -> User:
        owner = None if "\0" in username else User.objects.filter(username=username).first()
        if owner is None:
            known = list(
                User.objects.filter(is_active=True).order_by("pk").values_list("username", flat=True)[:10]
            )
            listed = f"There are: {', '.join(known)}." if known else "There is no user at all."
            raise CommandError(
                f"No user {username!r}. {listed} `manage.py createsuperuser` or the admin makes one."
            )
        if not owner.is_active:
            raise CommandError(f"{username!r} is not active: activate the account in the admin first.")
        return owner

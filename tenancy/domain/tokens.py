"""What an API token looks like and how long it lives."""

import hashlib
import re
import secrets
from datetime import timedelta
from enum import StrEnum

TOKEN_PREFIX = "lvq_"
_LIFETIME = re.compile(r"^([1-9][0-9]{0,4})([hdw])$")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class TokenScope(StrEnum):
    """What a token may do: read, or read and write."""

    READ = "read"
    WRITE = "write"

    def allows(self, wanted: "TokenScope") -> bool:
        """Whether a token of this scope may do what needs `wanted`."""
        return self is TokenScope.WRITE or wanted is TokenScope.READ


def new_token() -> str:
    """A new secret: the prefix that secret scanners look for, and 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """The hash under which a token is stored, as 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse_lifetime(text: str) -> timedelta:
    """`90d`, `12h` or `4w` as a duration.

    Raises:
        ValueError: for anything else.
    """
    match = _LIFETIME.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no lifetime. Write a number and h, d or w, for example 90d.")
    return int(match[1]) * _UNITS[match[2]]

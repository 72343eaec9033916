"""Reads charges from Stripe with its own library. Reads only."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any

import stripe
from django.conf import settings

from monitoring.domain.revenue import Charge

# Stripe's largest page.
_PAGE = 100
_TRIES = 3
_LONGEST_WAIT_S = 30.0
_CENTS = Decimal(100)


class Refusal(StrEnum):
    """Why Stripe's charges could not be read."""

    NOT_AUTHORISED = "not authorised"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    NOT_UNDERSTOOD = "not understood"


class UnableToReadCharges(Exception):
    """Stripe did not give the charges; `refusal` says of what kind, the message what it said."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(f"Stripe: {refusal.value}: {message}"[:400])
        self.refusal = refusal


def is_configured() -> bool:
    """Whether there is a key to ask Stripe with."""
    return bool(settings.STRIPE_API_KEY)


def read_charges(
    start: datetime, end: datetime, *, timeout_s: float = 10, sleep: Callable[[float], None] = time.sleep
) -> list[Charge]:
    """All charges made in `[start, end)`, every page. Waits and asks again when told to, for a bounded time.

    Raises:
        UnableToReadCharges: with the kind of failure. Nothing is returned of a list that is not whole.
    """
    client = stripe.StripeClient(
        settings.STRIPE_API_KEY,
        base_addresses={"api": settings.STRIPE_BASE_URL},
        http_client=stripe.RequestsClient(timeout=timeout_s),
        # Ours, below: the library does not wait as long as Retry-After says.
        max_network_retries=0,
    )
    found: list[Charge] = []
    after = ""
    while True:
        page = _ask(partial(_page, client, start, end, after), sleep)
        found += [_charge(one) for one in page.data]
        if not page.has_more or not page.data:
            return found
        after = page.data[-1].id


def _page(client: stripe.StripeClient, start: datetime, end: datetime, after: str) -> Any:
    params: dict[str, Any] = {
        "limit": _PAGE,
        "created": {"gte": int(start.timestamp()), "lt": int(end.timestamp())},
    }
    if after:
        params["starting_after"] = after
    return client.v1.charges.list(params)  # type: ignore[arg-type]  # its typed dict knows no variable keys


def _ask(request: Callable[[], Any], sleep: Callable[[float], None]) -> Any:
    for attempt in range(1, _TRIES + 1):
        try:
            page = request()
            if not isinstance(page.data, list) or not isinstance(page.has_more, bool):
                raise UnableToReadCharges(Refusal.NOT_UNDERSTOOD, "the answer is no list of charges")
            return page
        except (stripe.RateLimitError, stripe.APIConnectionError, stripe.APIError) as error:
            refusal = _refusal(error)
            if attempt == _TRIES or refusal is Refusal.NOT_UNDERSTOOD:
                raise UnableToReadCharges(refusal, str(error)) from error
            sleep(_wait(error, attempt))
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise UnableToReadCharges(
                Refusal.NOT_AUTHORISED, "check STRIPE_API_KEY and its rights"
            ) from error
        except stripe.StripeError as error:
            raise UnableToReadCharges(Refusal.NOT_UNDERSTOOD, str(error)) from error
        except (AttributeError, TypeError) as error:
            raise UnableToReadCharges(Refusal.NOT_UNDERSTOOD, "the answer is no list of charges") from error
    raise AssertionError("unreachable")  # the last attempt returns or raises


def _refusal(error: stripe.StripeError) -> Refusal:
    if isinstance(error, stripe.RateLimitError):
        return Refusal.THROTTLED
    # The library says APIError of a body that is no JSON, with the status it came with.
    if isinstance(error, stripe.APIConnectionError) or (error.http_status or 0) >= 500:
        return Refusal.UNAVAILABLE
    return Refusal.NOT_UNDERSTOOD


def _wait(error: stripe.StripeError, attempt: int) -> float:
    headers = {str(name).lower(): value for name, value in (error.headers or {}).items()}
    try:
        told = float(headers.get("retry-after", ""))
    except ValueError:
        told = 2.0 ** (attempt - 1)
    return min(max(told, 0.0), _LONGEST_WAIT_S)


def _charge(one: Any) -> Charge:
    try:
        return Charge(
            id=str(one.id),
            # An authorisation that was not captured is no revenue yet.
            amount=Decimal(one.amount_captured) / _CENTS if one.paid else Decimal(0),
            refunded=Decimal(one.amount_refunded) / _CENTS,
            currency=str(one.currency),
            paid=bool(one.paid) and one.status == "succeeded",
            disputed=bool(one.disputed),
            description=one.description or "",
        )
    except (AttributeError, TypeError, ArithmeticError) as error:
        raise UnableToReadCharges(Refusal.NOT_UNDERSTOOD, "a charge lacks what it must have") from error

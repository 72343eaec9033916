"""How the form of an answer is chosen."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_ACCEPTABLE = frozenset({"*/*", "application/*", "application/json"})
_LONGEST = 8192


class JsonNegotiation(DefaultContentNegotiation):
    """The answer is JSON, to whoever accepts that; `?format=` is a query parameter like any unknown one."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        accept = request.META.get("HTTP_ACCEPT", "").strip()
        if accept and (len(accept) > _LONGEST or not any(_is_json(part) for part in accept.split(","))):
            raise NotAcceptable("The answer is application/json, which the Accept header rules out.")
        return renderer, str(renderer.media_type)


def _is_json(part: str) -> bool:
    media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [piece[2:] for piece in parameters if piece.startswith("q=")]
    return media_type in _ACCEPTABLE and not any(weight.strip("0.") == "" for weight in weights)

"""One shape for every error the API answers with."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

logger = logging.getLogger(__name__)

_TYPES = {
    status.HTTP_400_BAD_REQUEST: "bad_request",
    status.HTTP_401_UNAUTHORIZED: "unauthorized",
    status.HTTP_403_FORBIDDEN: "forbidden",
    status.HTTP_404_NOT_FOUND: "not_found",
    status.HTTP_405_METHOD_NOT_ALLOWED: "method_not_allowed",
    status.HTTP_406_NOT_ACCEPTABLE: "not_acceptable",
    status.HTTP_409_CONFLICT: "conflict",
    status.HTTP_413_REQUEST_ENTITY_TOO_LARGE: "too_large",
    status.HTTP_415_UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    status.HTTP_422_UNPROCESSABLE_ENTITY: "unprocessable",
    status.HTTP_429_TOO_MANY_REQUESTS: "throttled",
    status.HTTP_500_INTERNAL_SERVER_ERROR: "internal_error",
    status.HTTP_503_SERVICE_UNAVAILABLE: "unavailable",
}


def correlation_id(request: Any) -> str:
    """The id of the request, given by the caller or by `RequestIdMiddleware`."""
    return str(getattr(getattr(request, "_request", request), "correlation_id", ""))


def error_body(
    kind: str, message: str, request: Any, fields: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """The body of an error answer."""
    error: dict[str, Any] = {"type": kind, "message": message}
    if fields:
        error["fields"] = fields
    return {"ok": False, "error": error, "meta": {"correlation_id": correlation_id(request)}}


def typed_error(error: Exception, context: dict[str, Any]) -> Response:
    """Turns whatever a view raised into a typed error; the unexpected is logged and named to nobody."""
    request = context["request"]
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    set_rollback()
    if not isinstance(error, exceptions.APIException):
        logger.error(
            "Unable to answer an API request", extra={"request_id": correlation_id(request)}, exc_info=error
        )
        message = "The portal could not answer. The correlation id finds the cause in its log."
        return Response(error_body("internal_error", message, request), status=500)
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)
    kind = _TYPES.get(error.status_code, "error")
    if isinstance(error, exceptions.ValidationError):
        fields = _fields(error.detail)
        named = ", ".join(fields) or "the request"
        body = error_body("validation", f"Not accepted: {named}. See fields.", request, fields)
        return Response(body, status=error.status_code, headers=headers)
    return Response(error_body(kind, str(error.detail), request), status=error.status_code, headers=headers)


def _fields(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested details flattened: `items.3.user` → its messages."""
    if isinstance(detail, dict):
        return {
            k: v
            for key, sub in detail.items()
            for k, v in _fields(sub, f"{path}.{key}" if path else str(key)).items()
        }
    if isinstance(detail, list) and any(isinstance(sub, dict) for sub in detail):
        return {
            k: v
            for i, sub in enumerate(detail)
            for k, v in _fields(sub, f"{path}.{i}" if path else str(i)).items()
        }
    messages = detail if isinstance(detail, list) else [detail]
    return {path or "request": [str(message) for message in messages]} if messages else {}


def json_error(request: HttpRequest, http_status: int, message: str) -> JsonResponse:
    """An error answer outside DRF: an address that leads nowhere, or a failure of Django itself."""
    return JsonResponse(error_body(_TYPES.get(http_status, "error"), message, request), status=http_status)

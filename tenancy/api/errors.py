"""One shape for every error the API answers with."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import defaults
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
_UNEXPECTED = "The portal could not answer. The correlation id finds the cause in its log."
# Whoever reads these addresses is a program.
_FOR_PROGRAMS = ("/api/", "/health", "/public/", "/metrics")


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


class PayloadTooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is larger than the portal accepts."


class Unavailable(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database does not answer. Try again in a moment."
    wait = 4


def typed_error(error: Exception, context: dict[str, Any]) -> Response:
    """Turns whatever a view raised into a typed error; the unexpected is logged and named to nobody."""
    request = context["request"]
    anticipated = _as_api_exception(error)
    set_rollback()
    if anticipated is None or isinstance(anticipated, Unavailable):
        logger.error(
            "Unable to answer an API request", extra={"request_id": correlation_id(request)}, exc_info=error
        )
    if anticipated is None:
        return Response(error_body("internal_error", _UNEXPECTED, request), status=500)
    headers = {}
    challenge, wait = getattr(anticipated, "auth_header", None), getattr(anticipated, "wait", None)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    if wait:
        headers["Retry-After"] = str(int(wait) + 1)
    kind = _TYPES.get(anticipated.status_code, "error")
    if isinstance(anticipated, exceptions.ValidationError):
        fields = _fields(anticipated.detail)
        named = ", ".join(fields) or "the request"
        body = error_body("validation", f"Not accepted: {named}. See fields.", request, fields)
    else:
        body = error_body(kind, str(anticipated.detail), request)
    return Response(body, status=anticipated.status_code, headers=headers)


def _as_api_exception(error: Exception) -> exceptions.APIException | None:
    """What the caller is told of `error`; None when it is nobody's business but the log's."""
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return PayloadTooLarge()
    if isinstance(error, SuspiciousOperation | BadRequest | UnreadablePostError):
        return exceptions.ParseError()
    if isinstance(error, OperationalError | InterfaceError):
        return Unavailable()
    return None


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


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler400`: JSON for programs, Django's page for people."""
    if _is_for_programs(request):
        return json_error(request, 400, "The request is malformed.")
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler403`."""
    if _is_for_programs(request):
        return json_error(request, 403, "This is not allowed.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler404`."""
    if _is_for_programs(request):
        return json_error(request, 404, "There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`. The view's transaction opens before DRF can catch anything, so a database that is away
    ends up here."""
    if not _is_for_programs(request):
        return defaults.server_error(request)
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = json_error(request, 503, str(Unavailable.default_detail))
        response["Retry-After"] = str(Unavailable.wait + 1)
        return response
    return json_error(request, 500, _UNEXPECTED)


def _is_for_programs(request: HttpRequest) -> bool:
    return request.path_info.startswith(_FOR_PROGRAMS)

"""Counts what callers of the intelligence API met."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, time

from django.http import HttpRequest, HttpResponse

from monitoring.services.metering import METER, PREFIX, endpoint_of, is_own_prober


class MeteringMiddleware:
    """Notes the class of the status and the latency of every call; costs some microseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not path.startswith(PREFIX):
            return self.get_response(request)
        began, minute = perf_counter(), int(time() // 60)
        response = self.get_response(request)
        by_prober = is_own_prober(request.META.get("HTTP_AUTHORIZATION", ""))
        key = (minute, endpoint_of(path), response.status_code // 100, by_prober)
        METER.count(key, perf_counter() - began)
        return response

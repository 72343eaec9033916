"""The one admin site."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from levqor.board import board_context
from levqor.menu import in_sections


class OpsAdminSite(AdminSite):
    """Django's admin, dressed as the operations console. Its first page is the board."""

    site_title = "Levqor portal"
    site_header = "Levqor portal"
    index_title = "Board"
    site_url = None
    empty_value_display = "–"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        def rendered(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            # Lazy responses query while they render: render inside the transaction that binds the scope.
            response = view(request, *args, **kwargs)
            if hasattr(response, "render") and not response.is_rendered:
                response = response.render()
            return response

        return super().admin_view(rendered, cacheable)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        return [path("board/", self.admin_view(self.board), name="board"), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {**board_context(), **(extra_context or {})})

    def board(self, request: HttpRequest) -> HttpResponse:
        """The board alone, for the page that refreshes itself."""
        return TemplateResponse(request, "admin/board/board.html", board_context())

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps: list[Any] = super().get_app_list(request, app_label)
        return apps if app_label else in_sections(apps)

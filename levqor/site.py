"""The one admin site."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest


class OpsAdminSite(AdminSite):
    """Django's admin, dressed as the operations console."""

    site_title = "Levqor portal"
    site_header = "Levqor portal"
    index_title = "Board"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        def rendered(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            # Lazy responses query while they render: render inside the transaction that binds the scope.
            response = view(request, *args, **kwargs)
            if hasattr(response, "render") and not response.is_rendered:
                response = response.render()
            return response

        return super().admin_view(rendered, cacheable)

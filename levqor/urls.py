"""Where each address leads."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("intelligence.api.urls")),
    path("api/", include("monitoring.api.urls")),
    path("", include("monitoring.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]

handler400 = "tenancy.api.errors.bad_request"
handler403 = "tenancy.api.errors.forbidden"
handler404 = "tenancy.api.errors.not_found"
handler500 = "tenancy.api.errors.server_error"

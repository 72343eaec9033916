"""Where each address leads."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("intelligence.api.urls")),
    path("", include("monitoring.urls")),
]

handler400 = "tenancy.api.errors.bad_request"
handler403 = "tenancy.api.errors.forbidden"
handler404 = "tenancy.api.errors.not_found"
handler500 = "tenancy.api.errors.server_error"

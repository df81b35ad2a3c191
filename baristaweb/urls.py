"""All URLs. Everything but login, health and static files needs a login (LoginRequiredMiddleware)."""

from django.contrib import admin
from django.urls import include, path

from baristaweb import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("observability.urls")),
    path("", include("deployments.urls")),
    path("", include("observability.urls")),
]

handler400 = "baristaweb.shell.errors.bad_request"
handler403 = "baristaweb.shell.errors.forbidden"
handler404 = "baristaweb.shell.errors.not_found"
handler500 = "baristaweb.shell.errors.server_error"

"""All URLs. Everything but login, health and static files needs a login (LoginRequiredMiddleware)."""

from django.contrib import admin
from django.urls import include, path

from baristaweb import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("deployments.urls")),
]

handler400 = "deployments.views.errors.bad_request"
handler403 = "deployments.views.errors.forbidden"
handler404 = "deployments.views.errors.not_found"
handler500 = "deployments.views.errors.server_error"

"""URLs of the deployments app; names are flat."""

from django.urls import path

from deployments.views import session

urlpatterns = [
    path("login/", session.Login.as_view(), name="login"),
    path("logout/", session.log_out, name="logout"),
    path("theme/", session.set_theme, name="theme"),
]

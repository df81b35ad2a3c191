"""Logging in and out, and the theme."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import logout, views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from baristaweb.lib.client_address import client_address
from baristaweb.lib.iap import SUBJECT
from deployments.actions import logins

THEMES = ("light", "dark", "auto")
THEME_COOKIE = "theme"
DENSITIES = ("normal", "compact")


@method_decorator(login_not_required, name="dispatch")
class Login(views.LoginView):
    """The only way in, for the admin too; unknown and known users get the same answer."""

    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The one page without anything of anybody: browsers may keep it for their Back button."""
        answer = super().dispatch(request, *args, **kwargs)
        if request.method == "GET" and answer.status_code == 200:
            answer.headers["Cache-Control"] = "private, no-cache"
        return answer

    def post(self, request: HttpRequest, *args: str, **kwargs: Any) -> HttpResponse:
        username = request.POST.get("username", "")[:150]
        if not logins.admit(username=username, address=client_address(request)):
            return render(request, "429.html", status=429)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        logins.forget(username=form.data.get("username", "")[:150], address=client_address(self.request))
        answer = super().form_valid(form)
        self.request.session["began"] = self.request.session["seen"] = int(time.time())
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session; behind Google's proxy its own too, else the next page would log in again."""
    is_of_proxy = SUBJECT in request.session
    logout(request)
    return redirect("/_gcp_iap/clear_login_cookie" if is_of_proxy else settings.LOGOUT_REDIRECT_URL)


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Colours and density of tables; kept in cookies so that the first paint is right."""
    target = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    answer = HttpResponseRedirect(target if safe else "/")
    for name, offered in ((THEME_COOKIE, THEMES), ("density", DENSITIES)):
        if (chosen := request.POST.get(name, "")) in offered:
            answer.set_cookie(
                name,
                chosen,
                max_age=365 * 86_400,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
            )
    return answer

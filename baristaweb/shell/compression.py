"""Pages are sent compressed; docs/decisions/0012-compressed-pages.md says why that gives no secret away."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

# Lines of logs may hold anything, and the words that are looked for among them come from the address.
PLAIN = frozenset({"deployment-log-lines", "deployment-log-newer"})


class CompressionMiddleware(GZipMiddleware):
    """As Django's, but what a search through logs answers has the length that it has."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        match = request.resolver_match
        if match is not None and match.url_name in PLAIN and (request.GET.get("q") or request.POST.get("q")):
            return response
        return super().process_response(request, response)

"""A person without JavaScript: opens pages, fills forms in and sends them."""

from __future__ import annotations

import http.cookiejar
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

from bs4 import BeautifulSoup, Tag


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


@dataclass
class Visitor:
    """Where they are is `address` and what they see is `page`; an answer that is no success raises HTTPError."""

    site: str
    address: str = ""
    page: BeautifulSoup = field(default_factory=BeautifulSoup)
    _opener: urllib.request.OpenerDirector = field(default_factory=_opener)

    def open(self, path: str) -> str:
        """Returns the text of the page's main part."""
        return self._go(urllib.request.Request(urllib.parse.urljoin(self.site, path)))  # noqa: S310 - our own site

    def send(self, button: str, **values: str) -> str:
        """Fill in the form that has a button beginning with this text, press it; returns what comes then."""
        pressed = next(each for each in self.page.select("button") if each.get_text(strip=True).startswith(button))
        form = pressed.find_parent("form")
        assert form is not None
        filled = [(name, values.get(name, value)) for name, value in _fields(form)]
        assert set(values) <= {name for name, _ in filled}, f"the form has {sorted({name for name, _ in filled})}"
        if pressed.get("name"):
            filled.append((str(pressed["name"]), str(pressed.get("value", ""))))
        target = urllib.parse.urljoin(self.address, str(form.get("action") or ""))
        body = urllib.parse.urlencode(filled).encode()
        return self._go(urllib.request.Request(target, body, {"Referer": self.address}))  # noqa: S310 - our own site

    def log_in(self, username: str, password: str) -> str:
        self.open("/login/")
        return self.send("Log in", username=username, password=password)

    def _go(self, request: urllib.request.Request) -> str:
        with self._opener.open(request, timeout=20) as answer:
            self.address, self.page = answer.url, BeautifulSoup(answer.read(), "html.parser")
        main = self.page.select_one("main") or self.page
        return " ".join(main.get_text(" ").split())


def _fields(form: Tag) -> list[tuple[str, str]]:
    """What a browser would send of the form as it stands."""
    found = []
    for each in form.select("input[name], select[name], textarea[name]"):
        name, kind = str(each["name"]), each.get("type", "")
        if each.name == "select":
            chosen = each.select("option[selected]") or each.select("option")[:1]
            found += [(name, str(option.get("value", option.get_text()))) for option in chosen]
        elif each.name == "textarea":
            found.append((name, each.get_text().removeprefix("\n")))
        elif kind not in {"checkbox", "radio", "submit"} or (kind != "submit" and each.has_attr("checked")):
            found.append((name, str(each.get("value", "on" if kind == "checkbox" else ""))))
    return found

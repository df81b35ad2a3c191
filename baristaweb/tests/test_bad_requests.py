"""Every URL that takes input, given every bad input by every kind of person: never an error of ours, and never long.

What is bad is data: bad_requests.yaml. The addresses and the people are those of the access matrix.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from django.db import transaction
from django.test import Client

from baristaweb.tests.scene import IDENTITIES, Scene, admin_urls, scene
from baristaweb.tests.test_access_matrix import ROWS, filled

__all__ = ["scene"]
pytestmark = pytest.mark.django_db

MOST_CPU_S = 2.0
TARGETS = (
    *("dev", "prod", "retired", "dev 1", "dev 0", "told", "draft", "sent", "lines", "team", "member", "event"),
    *("view", "cluster", "budget", "source", "object", "sample", "asked"),
)
CATALOGUE: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("bad_requests.yaml").read_text("utf-8"))
TEXTS = {
    entry["id"]: entry.get("text", "") or entry.get("repeat", [""])[0] * entry.get("repeat", [0, 1])[1]
    for entry in CATALOGUE
}
GATED = {entry["id"] for entry in CATALOGUE if entry.get("gate")}
ASKED = (
    *("q", "page", "before", "from", "to", "request", "actor", "kind", "when", "outcome", "environment", "team", "a"),
    *("b", "tab", "draft", "proposal", "adopt", "sort", "view", "state", "runtime", "cluster", "next", "p", "o", "e"),
    *("all", "days", "since", "until", "version", "against_since", "against_until", "against_version", "drawn", "as"),
    *("explain", "column", "cost", "least", "after", "deployment", "show", "look", "clean"),
)
POSTED = (
    *("note", "based_on", "seen", "reviewed", "do", "hours", "typed_name", "name", "query", "verdict", "role"),
    *("user", "next", "theme", "density", "username", "password", "old_password", "new_password1", "new_password2"),
    *("follow", "override", "source_revision", "target_revision", "carry", "step", "remove", "more", "env-0-name"),
    *("env-0-value", "action", "deployment", "display_name", "model", "namespace", "artifact_uri", "model_version"),
    *("image_override", "runtime", "profile", "replicas.count", "replicas__count", "fields", "since", "container"),
    *("pod", "_selected_action", "index", "title", "occurred_at", "link", "how", "until", "days", "k", "n"),
    *("min_rows", "thresholds", "format", "explain", "covers", "month", "soft", "hard", "currency", "told"),
    *("over_budget", "priced_by", "location", "format", "marker", "window", "zone", "lateness_h", "time_zone"),
    *("retention_d", "backfill_d", "poll_s", "max_object_mib", "shown", "look", "until", "c-0-role", "c-0-kind"),
    *("c-0-sensitive", "project", "service_account", "cluster", "slug", "endpoint", "reason", "changes", "why"),
    *("clean", "_clean", "_keep"),
)
HEADERS = (
    *("user-agent", "x-request-id", "x-correlation-id", "referer", "origin", "accept", "accept-language", "range"),
    *("if-none-match", "if-modified-since", "hx-request", "hx-target", "hx-current-url", "hx-trigger", "cookie"),
    *("content-length", "x-forwarded-for", "x-forwarded-proto", "authorization", "x-csrftoken"),
)
BODIES = {
    "JSON": ("application/json", b'{"a": NaN, "b": "\\u0000"}'),
    "deep JSON": ("application/json", b"[" * 100_000),
    "not JSON": ("application/json", b"\xff\xfe\x00"),
    "no boundary": ("multipart/form-data", b"--x\r\n\r\n"),
    "long boundary": ("multipart/form-data; boundary=" + "x" * 300, b"--x\r\n\r\n"),
    "half a part": ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nab'),
    "file of NUL": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="\x00"\r\n\r\nb\r\n--x--',
    ),
    "bad base64": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="note"\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%\r\n--x--',
    ),
    "no such charset": ("application/x-www-form-urlencoded; charset=²", b"note=a"),
    "another charset": ("application/x-www-form-urlencoded; charset=utf-16", b"note=a"),
    "no UTF-8": ("application/x-www-form-urlencoded", b"note=%ff%fe%ed%a0%80&%ff=\xff"),
    "many fields": ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % number for number in range(1500))),
    "too long": ("application/x-www-form-urlencoded", b"note=" + b"x" * 2_700_000),
    "no type": ("", b"\x00\x01"),
    "odd type": ("²/²; =;;", b"note=a"),
}


@dataclass
class Asking:
    """One person, and what went wrong with the answers."""

    client: Client
    share: int  # the number of the person among IDENTITIES
    wrong: list[str] = field(default_factory=list)
    count: int = 0

    def ask(self, what: str, method: str, url: str, **request: Any) -> int:
        began = time.process_time()
        # A cookie that a request sets is not sent with the next.
        cookies = copy.deepcopy(self.client.cookies)
        with transaction.atomic():
            answer = self.client.generic(method, url, **request)
            if answer.streaming:
                b"".join(answer)
            transaction.set_rollback(True)
        self.client.cookies = cookies
        self.count += 1
        took = time.process_time() - began
        if answer.status_code >= 500 or took > MOST_CPU_S:
            self.wrong.append(f"{answer.status_code} after {took:.1f} s: {method} {url[:80]} with {what}")
        return int(answer.status_code)

    def done(self) -> None:
        assert not self.wrong, f"{len(self.wrong)} of {self.count}:\n" + "\n".join(self.wrong[:60])
        assert self.count


@pytest.fixture
def asking(client_as: Callable[[str], Client], request: pytest.FixtureRequest) -> Asking:
    client = client_as(request.param)
    client.raise_request_exception = False
    return Asking(client, IDENTITIES.index(request.param))


def routes(scene: Scene, method: str) -> list[str]:
    found = {scene.url(name, filled(target)) for name, target, asked, *_ in ROWS if asked == method}
    return sorted(found)


def turned(names: tuple[str, ...], share: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Every name with a value of its own, and with another at each turn.

    A request has nearly all of the values. Each person takes a share of the turns, a quarter of them at each of four
    addresses in a row, so that all of them together ask for every value in every name.
    """
    kinds = [kind for kind in TEXTS if kind not in GATED]
    for turn in range(share % (4 * len(IDENTITIES)), len(kinds), 4 * len(IDENTITIES)):
        yield f"turn {turn}", [(name, TEXTS[kinds[(turn + at) % len(kinds)]]) for at, name in enumerate(names)]


def shared(items: Sequence[Any], share: int, parts: int = len(IDENTITIES)) -> Sequence[Any]:
    """One in `parts`: that of a person, or of an address where one person asks for all."""
    return items[share % parts :: parts]


def arguments(url: str, scene: Scene) -> list[int]:
    """Which steps of an address name a row."""
    named = {str(value) for target in TARGETS for value in scene.arguments(target)}
    return [at for at, step in enumerate(url.split("/")) if step in named]


def encoded(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in pairs)


FORM = "application/x-www-form-urlencoded"


def ask_by_parameters(scene: Scene, asking: Asking) -> None:
    for number, url in enumerate(routes(scene, "GET")):
        for what, pairs in turned(ASKED, asking.share + number % 4 * len(IDENTITIES)):
            asking.ask(what, "GET", f"{url}?{encoded(pairs)}")
        for kind in GATED:
            for pairs in ([("q", TEXTS[kind])], [(TEXTS[kind], "q")]):
                status = asking.ask(kind, "GET", f"{url}?{encoded(pairs)}")
                assert status == 400 or url in ("/healthz", "/readyz", "/metrics"), url


def ask_by_bodies_of_forms(scene: Scene, asking: Asking) -> None:
    for number, url in enumerate(routes(scene, "POST")):
        for what, pairs in turned(POSTED, asking.share + number % 4 * len(IDENTITIES)):
            asking.ask(what, "POST", url, data=encoded(pairs), content_type=FORM)
        for kind in GATED:
            for name in (shared(POSTED, asking.share + len(url))[0], TEXTS[kind]):
                asking.ask(kind, "POST", url, data=encoded([(name, TEXTS[kind])]), content_type=FORM)


def ask_by_bodies_that_are_no_forms(scene: Scene, asking: Asking) -> None:
    for url in routes(scene, "POST"):
        for what in shared(list(BODIES), asking.share + len(url)):
            content_type, body = BODIES[what]
            asking.ask(what, "POST", url, data=body, content_type=content_type)


def ask_by_paths(scene: Scene, asking: Asking) -> None:
    for method in ("GET", "POST"):
        for number, url in enumerate(routes(scene, method)):
            steps = url.split("/")
            for at in arguments(url, scene):
                # Every person a half of the values of two addresses in a row.
                share = asking.share + (number + at) % 2 * len(IDENTITIES)
                for kind in shared(list(TEXTS), share, 2 * len(IDENTITIES)):
                    path = "/".join([*steps[:at], quote(TEXTS[kind], safe=""), *steps[at + 1 :]])
                    asking.ask(kind, method, path)
    for kind, text in TEXTS.items():
        asking.ask(kind, "GET", f"/{quote(text, safe='')}/")


def ask_by_headers(scene: Scene, asking: Asking) -> None:
    urls = ("/", scene.url("deployment-detail", "dev"), "/healthz", "/static/css/shell.css")
    for number, (kind, text) in enumerate(TEXTS.items()):
        for header in shared(HEADERS, asking.share + number):
            value = text if kind in GATED else text.encode().decode("latin-1")
            name = "CONTENT_LENGTH" if header == "content-length" else f"HTTP_{header.upper().replace('-', '_')}"
            asking.ask(f"{kind} in {header}", "GET", urls[number % len(urls)], **{name: value})


def ask_by_the_admin(scene: Scene, asking: Asking) -> None:
    for number, url in enumerate(admin_urls()):
        for what, pairs in turned(ASKED, number):
            asking.ask(what, "GET", f"{url}?{encoded(pairs)}")
        for kind in shared(list(TEXTS), number, 2 * len(IDENTITIES)):
            for name in ("q", "id__exact", "_to_field"):
                asking.ask(kind, "GET", f"{url}?{encoded([(name, TEXTS[kind])])}")
            posted = encoded([(name, TEXTS[kind]) for name in POSTED])
            asking.ask(kind, "POST", url, data=posted, content_type=FORM)


WAYS = {
    "parameters": ask_by_parameters,
    "forms": ask_by_bodies_of_forms,
    "other bodies": ask_by_bodies_that_are_no_forms,
    "paths": ask_by_paths,
    "headers": ask_by_headers,
}


@pytest.mark.parametrize("asking", IDENTITIES, indirect=True)
def test_no_input_is_an_error_of_ours(scene: Scene, asking: Asking) -> None:
    for way in WAYS.values():
        way(scene, asking)
    asking.done()


@pytest.mark.parametrize("asking", ["platform"], indirect=True)
def test_no_input_of_the_admin_is_an_error_of_ours(scene: Scene, asking: Asking) -> None:
    ask_by_the_admin(scene, asking)
    asking.done()

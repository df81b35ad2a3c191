"""What an app brings to the whole: errands of the relay, gauges, entries of the navigation, tabs of a deployment.

An app says so in modules of agreed names, found as Django finds `admin` and `tasks`: `errands` (ERRANDS and CHORES,
read by the relay only, since they may reach clusters), `gauges` (GAUGES) and `menu` (NAV, TABS, COLUMNS of the fleet
and PARTS of pages).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.http import HttpRequest

from baristaweb.lib.looks import Shown

Key = int | str
Gauges = Callable[[], Iterable[Any]]
Waiting = Callable[[], "QuerySet[Any]"]


@dataclass(frozen=True, kw_only=True)
class Errand:
    """Rows that need a worker.

    `due` gives their keys, oldest first. With `is_leased` it has claimed each for so many seconds; without, the relay
    asks for a key less and less often. `task` is the name of the Celery task that takes a key, and `do` the same work
    here, for when the queue is away. Both are safe to run twice. `queue` names the workers that do it. `waiting`: rows
    of which `due` would find any, for the relay to ask about all errands in one statement; without it `due` is asked
    every time.
    """

    task: str
    due: Callable[[float], Sequence[Key]]
    do: Callable[[Any], object]
    is_leased: bool = False
    queue: str = "reconcile"
    waiting: Waiting | None = None


@dataclass(frozen=True, kw_only=True)
class Chore:
    """Small work of the relay itself, every so many seconds while `waiting` has any row; it must return soon."""

    name: str
    every_s: float
    do: Callable[[], object]
    waiting: Waiting | None = None


@dataclass(frozen=True, kw_only=True)
class NavEntry:
    """One entry of the main navigation. `under`: beginnings of URL names whose pages belong to it; `order`: left to
    right."""

    label: str
    url_name: str
    order: int
    under: tuple[str, ...] = ()
    is_shown: Callable[[Any], bool] = lambda user: True

    def current(self, url_name: str) -> str:
        """The value of aria-current: "page", "true" on a page below, else empty."""
        if url_name == self.url_name:
            return "page"
        return "true" if url_name.startswith(self.under) and self.under else ""


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One tab of a deployment's page; its URL takes the slug. `count` is shown beside the label unless it is None."""

    name: str
    label: str
    url_name: str
    order: int
    count: Callable[[Any], int | None] = lambda deployment: None
    is_shown: Callable[[HttpRequest, Any], bool] = lambda request, deployment: True


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What a column of the fleet says of one deployment: a state to be drawn, a sentence, where it leads."""

    state: Shown
    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the fleet that another app brings. `annotate` adds `column_NAME`, a number that is larger the worse;
    `narrow` keeps the deployments in a state; `cells` are by the keys of deployments, those without one are left out.
    """

    name: str
    label: str
    annotate: Callable[[Any], Any]
    narrow: Callable[[Any, str], Any]
    cells: Callable[[Sequence[int]], dict[int, Cell]]
    states: Callable[[], Sequence[Shown]]
    missing: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A box that a page of deployments loads by its URL: `place` is `overview` or `cost` (the URL takes the slug) or
    `revision` (slug and number). Without scripts it is a link to `url_name`."""

    place: str
    label: str
    url_name: str
    link_name: str
    order: int
    is_shown: Callable[[HttpRequest, Any], bool] = lambda request, deployment: True


def errands() -> tuple[Errand, ...]:
    return _all("errands", "ERRANDS")


def chores() -> tuple[Chore, ...]:
    return _all("errands", "CHORES")


def gauges() -> tuple[Gauges, ...]:
    return _all("gauges", "GAUGES")


def navigation() -> list[NavEntry]:
    return sorted(_all("menu", "NAV"), key=lambda entry: entry.order)


def tabs() -> list[Tab]:
    return sorted(_all("menu", "TABS"), key=lambda tab: tab.order)


def columns() -> tuple[Column, ...]:
    return _all("menu", "COLUMNS")


def parts(place: str) -> list[Part]:
    return sorted((part for part in _all("menu", "PARTS") if part.place == place), key=lambda part: part.order)


@cache
def _all(module: str, name: str) -> tuple[Any, ...]:
    """The members of the tuple of that name, of every installed app that has the module."""
    found: list[Any] = []
    for app in apps.get_app_configs():
        if find_spec(f"{app.name}.{module}") is not None:
            found += getattr(import_module(f"{app.name}.{module}"), name, ())
    return tuple(found)

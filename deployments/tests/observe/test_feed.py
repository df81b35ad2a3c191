"""List, watch, and list again: a version that is too old, a stream that breaks, an object that makes no sense."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Self

import pytest

from deployments.kube.api import Change, Gone, Listing, ObjectKind, Unreachable
from deployments.observe.watcher import Feed


class Script:
    """A gateway that lists and watches what it is told, then ends the feed."""

    def __init__(self, *streams: list[Change] | Exception) -> None:
        self.streams = list(streams)
        self.lists = 0
        self.versions: list[str] = []
        self.on_end: Callable[[], None] = lambda: None

    def list_objects(self, kind: ObjectKind, *, namespace: str | None, labels: str) -> Listing:
        self.lists += 1
        return Listing([], f"list-{self.lists}")

    def watch(self, kind: ObjectKind, *, resource_version: str, **options: Any) -> Played:
        self.versions.append(resource_version)
        if not self.streams:
            self.on_end()
            return Played([])
        return Played(self.streams.pop(0))


class Played:
    def __init__(self, script: list[Change] | Exception) -> None:
        self.script = script

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __iter__(self) -> Iterator[Change]:
        if isinstance(self.script, Exception):
            raise self.script
        yield from self.script

    def wake(self) -> None:
        return None


def change(kind: str, version: str) -> Change:
    return Change(kind, {"metadata": {"uid": "u", "resourceVersion": version}})


def run(monkeypatch: pytest.MonkeyPatch, script: Script) -> list[str]:
    """What the feed told, in order: "list" for a listing, else the version of a change."""
    told: list[str] = []
    watcher: Any = SimpleNamespace(
        cluster=SimpleNamespace(slug="plane"),
        is_up=threading.Event(),
        listed=lambda kind, items: told.append("list"),
        changed=lambda kind, item: told.append(item.object["metadata"]["resourceVersion"]),
    )
    watcher.is_up.set()
    monkeypatch.setattr("deployments.observe.watcher.connect", lambda cluster: script)
    feed = Feed(watcher, ObjectKind.POD)
    # Pauses after trouble are jitter, and no part of what is tested.
    monkeypatch.setattr(feed.stopping, "wait", lambda seconds: feed.stopping.is_set())
    script.on_end = feed.stopping.set
    feed.start()
    feed.join(20)
    assert not feed.is_alive()
    return told


def test_it_goes_on_from_the_last_version_without_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script([change("ADDED", "5"), change("BOOKMARK", "9")], [change("MODIFIED", "10")])

    assert run(monkeypatch, script) == ["list", "5", "10"]
    assert script.versions == ["list-1", "9", "10"]


@pytest.mark.parametrize("trouble", [Gone("too old"), Unreachable("cut"), KeyError("metadata")])
def test_after_any_trouble_it_lists_again(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    script = Script([change("ADDED", "5")], trouble)

    assert run(monkeypatch, script) == ["list", "5", "list"]
    assert script.versions[-1] == "list-2"

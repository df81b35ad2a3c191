"""Which addresses a team may read: below roots that the platform team set, and below no root of another team."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from observability.domain.sources.template import Template

NAMES: Final = {"gs": "Google Cloud Storage", "s3": "S3", "file": "this machine's folders"}


@dataclass(frozen=True)
class Root:
    """A beginning of addresses that may be read, ending in "/". `teams` are slugs; empty stands for every team.

    `name` is the root's or its credential's name, as people see it.
    """

    uri: str
    name: str
    teams: frozenset[str] = frozenset()

    def holds(self, uri: str) -> bool:
        return f"{uri}/".startswith(self.uri) if not uri.endswith("/") else uri.startswith(self.uri)

    def admits(self, team: str) -> bool:
        return not self.teams or team in self.teams


def root_of(template: Template, team: str, roots: Iterable[Root]) -> Root | None:
    """The innermost root that holds everything the template can name, if the team may read it."""
    found = _innermost(template.folder, roots)
    return found if found is not None and found.admits(team) else None


def refusal(template: Template, team: str, roots: Sequence[Root]) -> str | None:
    """Why the team may not read this address, as a sentence with the way out; None when it may.

    Where the fixed beginning of the address lies above a root of another team, its wildcards could reach into it.
    """
    found = _innermost(template.folder, roots)
    if found is not None and not found.admits(team):
        return f"{found.uri} belongs to another team. Ask that team, or the platform team for a root of your own."
    if found is None:
        return _outside(template, team, roots)
    if any(root.uri.startswith(template.folder) and root.uri != found.uri and not root.admits(team) for root in roots):
        return f"Below {template.folder} lies a prefix of another team. Name the folder of your own logs."
    return None


def left_root(real: str, root: Root) -> str | None:
    """Why a local file that a link leads to may not be read: `real` is its path with all links followed."""
    if root.holds(f"file://{real}"):
        return None
    return f"A link leads out of {root.uri}. Only files that lie below the root itself are read."


def root_problem(uri: str) -> str | None:
    """Why this cannot be a root, for the platform team; None when it can."""
    scheme, mark, rest = uri.partition("://")
    if not mark or scheme not in NAMES:
        return "Begin with gs://, s3:// or file://."
    if not uri.endswith("/"):
        return 'End with "/": gs://logs and gs://logs-of-others begin alike.'
    if any(char in uri for char in "*?{}[]\\@#") or not uri.isprintable():
        return "A root is a fixed beginning: no dates, wildcards, names or options."
    parts = rest.strip("/").split("/")
    if ".." in parts or "." in parts or "" in parts[:-1] or "//" in rest:
        return 'Write the path without "..", "." and double slashes.'
    if scheme == "file":
        if not rest.startswith("/"):
            return "A local root needs the whole path: file:///srv/logs/."
        if rest == "/" or parts[0] in _SYSTEM:
            return "This folder holds more than logs. Name the folder of the logs."
        return None
    return None if parts[0] else "Name the bucket: gs://logs/."


_SYSTEM: Final = frozenset({"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "usr"})


def _innermost(folder: str, roots: Iterable[Root]) -> Root | None:
    return max((root for root in roots if root.holds(folder)), key=lambda root: len(root.uri), default=None)


def _outside(template: Template, team: str, roots: Sequence[Root]) -> str:
    mine = sorted(root.uri for root in roots if root.admits(team) and root.uri.startswith(f"{template.scheme}://"))
    if mine:
        told = " or ".join(mine[:3])
        return f"{template.folder} is outside of what your team may read. Logs are read below {told}."
    return (
        f"No root for {NAMES[template.scheme]} is set for your team. "
        "Ask the platform team to name one, with its credentials, in the admin."
    )

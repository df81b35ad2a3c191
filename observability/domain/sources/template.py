"""Location templates: an address with {yyyy} {mm} {dd} {hh}, or a glob, and the prefixes and names that it stands for.

`gs://logs/ranker/dt={yyyy}-{mm}-{dd}/hh={hh}/*.parquet` names one prefix an hour. `*` and `?` stay within a folder,
`**/` is any number of folders. Dates in names are wall times of a zone: an hour that clocks go
through twice is one prefix. Instants are whole seconds since 1970 UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Final

from observability.domain.sources.placeholders import Stamp, step_of

SCHEMES: Final = ("gs", "s3", "file")
MAX_LENGTH: Final = 1_024
_TOKEN: Final = re.compile(r"\{(?P<field>[^{}]*)\}|(?P<deep>\*\*/)|(?P<star>\*)|(?P<one>\?)")
_WIDTHS: Final = {"yyyy": 4, "mm": 2, "dd": 2, "hh": 2}
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]\Z")
EXAMPLE: Final = "gs://logs/ranker/dt={yyyy}-{mm}-{dd}/hh={hh}/*.parquet"


class LocationError(ValueError):
    """An address that cannot be used; the message says what would fit."""


@dataclass(frozen=True)
class Literal:
    """Text that stands for itself."""

    text: str


@dataclass(frozen=True)
class Field:
    """One of yyyy, mm, dd, hh."""

    name: str


@dataclass(frozen=True)
class Wild:
    """`*`, `?` or `**/`."""

    text: str


Part = Literal | Field | Wild


@dataclass(frozen=True)
class Template:
    """One parsed address. `parts` follow `scheme`://; equal texts are equal templates."""

    text: str
    scheme: str
    parts: tuple[Part, ...]

    @cached_property
    def fields(self) -> frozenset[str]:
        return frozenset(part.name for part in self.parts if isinstance(part, Field))

    @property
    def is_dated(self) -> bool:
        return bool(self.fields)

    @property
    def step(self) -> str:
        """hour, day or month: what one prefix holds; "" where the address has no date."""
        return step_of(self.fields)

    @property
    def head(self) -> str:
        """The fixed beginning, up to the first date or wildcard: all objects lie below it."""
        first = self.parts[0]
        return f"{self.scheme}://{first.text if isinstance(first, Literal) else ''}"

    @property
    def folder(self) -> str:
        """The fixed beginning up to its last slash."""
        return self.head[: self.head.rfind("/") + 1]

    def prefix(self, stamp: Stamp | None) -> str:
        """The text before the first wildcard, with the date filled in: what a listing asks for."""
        told = ""
        for part in self.parts:
            if isinstance(part, Wild):
                break
            told += part.text if isinstance(part, Literal) else stamp.text(part.name) if stamp else ""
            if isinstance(part, Field) and stamp is None:
                break
        return f"{self.scheme}://{told}"

    def stamp(self, uri: str) -> Stamp | None:
        """The date in a name; an empty one for undated templates; None when the name does not match.

        Names of which a part begins with "." or "_" where the template has a wildcard are no logs and never match:
        markers and what is still being written.
        """
        told: dict[str, int] = {}
        start = f"{self.scheme}://"
        if not uri.startswith(start):
            return None
        place = len(start)
        for part in self._fixed:
            width = len(part.text) if isinstance(part, Literal) else _WIDTHS[part.name]
            found = uri[place : place + width]
            is_fit = found == part.text if isinstance(part, Literal) else _is_number(found, width)
            if not is_fit or (isinstance(part, Field) and told.setdefault(part.name, int(found)) != int(found)):
                return None
            place += width
        if not _fits(self._globs, uri[place:].split("/"), is_start=uri[:place].endswith("/")):
            return None
        return Stamp.valid(**told)

    def matches(self, uri: str) -> bool:
        return self.stamp(uri) is not None

    @cached_property
    def _fixed(self) -> tuple[Literal | Field, ...]:
        """What comes before the first wildcard; dates have a fixed width, so that their place is known."""
        return tuple(part for part in takewhile(lambda one: not isinstance(one, Wild), self.parts))  # type: ignore[misc]

    @cached_property
    def _globs(self) -> tuple[str, ...]:
        """What follows, by folder."""
        rest = self.parts[len(self._fixed) :]
        return tuple("".join(part.text for part in rest if not isinstance(part, Field)).split("/"))


def _is_number(text: str, width: int) -> bool:
    return len(text) == width and text.isascii() and text.isdigit()


def _fits(globs: Sequence[str], names: Sequence[str], *, is_start: bool) -> bool:
    """Whether names of folders and of an object fit. `is_start`: the first is a whole name, not the end of one."""
    if "**" in globs:
        place = globs.index("**")
        after = len(globs) - place - 1
        if len(names) < place + after:
            return False
        middle = names[place : len(names) - after]
        if any(not name or name[0] in "._" for name in middle):
            return False
        globs = [*globs[:place], *["*"] * len(middle), *globs[place + 1 :]]
    if len(globs) != len(names):
        return False
    return all(
        _fits_one(glob, name) and not (glob[:1] in ("*", "?") and name[:1] in (".", "_") and (n or is_start))
        for n, (glob, name) in enumerate(zip(globs, names, strict=True))
    )


def _fits_one(glob: str, name: str) -> bool:
    """`*` is any run and `?` one character. Goes back to the last `*` only, so that no name takes long."""
    here, star, mark = 0, -1, 0
    place = 0
    while place < len(name):
        if here < len(glob) and glob[here] == "*":
            star, mark = here, place
            here += 1
        elif here < len(glob) and glob[here] in ("?", name[place]):
            here, place = here + 1, place + 1
        elif star >= 0:
            mark += 1
            here, place = star + 1, mark
        else:
            return False
    return not glob[here:].strip("*")


def parse(text: str) -> Template:
    """The template of an address that a person typed. Raises LocationError."""
    text = text.strip()
    if not text:
        raise LocationError(f"Enter an address such as {EXAMPLE}.")
    if len(text) > MAX_LENGTH:
        raise LocationError(f"The address has {len(text):,} characters; at most {MAX_LENGTH:,} fit.")
    if bad := next((char for char in text if not char.isprintable() or char in "\\[]"), ""):
        told = f"{bad!r} " if bad.isprintable() else f"the invisible character U+{ord(bad):04X} "
        raise LocationError(f"The address contains {told}which it cannot. Use {{yyyy}} {{mm}} {{dd}} {{hh}}, * and ?.")
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in SCHEMES:
        raise LocationError(f"Begin with gs://, s3:// or file://, such as {EXAMPLE}; this begins with {text[:20]!r}.")
    if "?" in rest.split("/")[0] or "#" in rest.split("/")[0] or "@" in rest.split("/")[0]:
        raise LocationError(
            "No name, password or option belongs into the address: the platform team names credentials."
        )
    _check_bucket(scheme, rest)
    _check_folders(rest)
    template = Template(text, scheme, tuple(_parts(rest)))
    _check_date(template)
    return template


def _check_bucket(scheme: str, rest: str) -> None:
    if scheme == "file":
        if not rest.startswith("/"):
            raise LocationError("A local address needs the whole path: file:///srv/logs/…, with three slashes.")
        return
    bucket, slash, below = rest.partition("/")
    if not _BUCKET.match(bucket):
        raise LocationError(f"{bucket[:60]!r} is no name of a bucket; dates and wildcards come after it.")
    if not slash or not below:
        raise LocationError(
            f"Say which objects of the bucket, such as {scheme}://{bucket}/{{yyyy}}/{{mm}}/{{dd}}/*.parquet."
        )


def _check_folders(rest: str) -> None:
    parts = rest.lstrip("/").split("/")
    if ".." in parts or "." in parts:
        raise LocationError('".." and "." are not followed. Write the address without them.')
    if "" in parts[:-1]:
        raise LocationError("Two slashes follow one another. Write one.")
    if parts[-1] == "":
        raise LocationError('The address ends in a folder. Add the names, such as "*.parquet" or "**/*.parquet".')
    if any("**" in part and part != "**" for part in parts) or parts[-1] == "**":
        raise LocationError('"**" stands alone between slashes and means any folders below: "**/*.parquet".')
    if rest.count("**") > 1:
        raise LocationError('"**" can be used once.')


def _parts(rest: str) -> Iterator[Part]:
    done = 0
    for found in _TOKEN.finditer(rest):
        if found.start() > done:
            yield _literal(rest[done : found.start()])
        done = found.end()
        if found["field"] is None:
            yield Wild(found[0])
            continue
        if found["field"] not in _WIDTHS:
            raise LocationError(f"{{{found['field'][:20]}}} is not known. Use {{yyyy}}, {{mm}}, {{dd}} and {{hh}}.")
        yield Field(found["field"])
    if done < len(rest):
        yield _literal(rest[done:])


def _literal(text: str) -> Literal:
    if "{" in text or "}" in text:
        raise LocationError("A { or } stands alone. A date is written {yyyy}, {mm}, {dd} and {hh}.")
    return Literal(text)


def _check_date(template: Template) -> None:
    fields = template.fields
    for smaller, larger in (("hh", "dd"), ("dd", "mm"), ("mm", "yyyy")):
        if smaller in fields and larger not in fields:
            raise LocationError(f"{{{smaller}}} needs {{{larger}}} as well: an hour, day or month of which is meant?")
    if fields and not template.step:
        raise LocationError("{yyyy} alone would list a whole year each time. Add {mm} and {dd}.")
    wild = next((n for n, part in enumerate(template.parts) if isinstance(part, Wild)), len(template.parts))
    if any(isinstance(part, Field) for part in template.parts[wild:]):
        raise LocationError(
            "A wildcard comes before the date, so that every poll would list everything. Put the date first."
        )

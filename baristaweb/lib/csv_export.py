"""CSV that a spreadsheet does not execute, streamed row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

from baristaweb.lib.visible import visible

# A spreadsheet takes a cell that begins with one of these for a formula (OWASP ASVS 5.0, 1.2.10).
FORMULA_STARTS = tuple("=+-@\t\r\0\uff1d\uff0b\uff0d\uff20")  # the last four are the full-width forms of = + - @


def safe_cell(value: object) -> object:
    """`value` as a cell: numbers stay numbers, text that would be a formula gets a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = str(value)
    return visible("'" + text if text.startswith(FORMULA_STARTS) else text)


class _Echo:
    """A file whose write returns what it was given: csv writes into it, the response sends it."""

    def write(self, value: str) -> str:
        return value


def stream(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """CSV lines of `header` and `rows`, made as they are asked for."""
    writer = csv.writer(_Echo())
    yield writer.writerow([safe_cell(cell) for cell in header])
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])


def download(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """A download of `name`; nothing is kept in memory but the row at hand."""
    answer = StreamingHttpResponse(stream(header, rows), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer

"""Text for files that people open in terminals: what would act on those is written out instead."""

from __future__ import annotations

import re
from typing import Final

# Controls but tab and newline, C1 controls, and what reorders or hides text.
_ACTING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """`text` with each such character as its escape, like \\x1b: nothing is lost, nothing acts."""
    return _ACTING.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)

"""Text for files that people open in terminals: what would act on those is written out instead."""

from __future__ import annotations

import re
from typing import Final

# What reorders or hides text: marks of the writing direction, characters without width, separators of lines.
HIDING: Final = "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
# Controls but tab and newline, C1 controls, and what hides.
_ACTING: Final = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{HIDING}\ud800-\udfff]")


def visible(text: str) -> str:
    """`text` with each such character as its escape, like \\x1b: nothing is lost, nothing acts."""
    return _ACTING.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)

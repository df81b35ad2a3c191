"""One line of a container's output as a terminal would leave it, without what only a terminal understands."""

from __future__ import annotations

import re
from typing import Final

LINE_LIMIT: Final = 8_000

# Colours and cursor moves (CSI), titles and links (OSC, ended by BEL or ST), and two-letter escapes.
_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]"
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def readable(raw: str, *, is_cut: bool = False) -> str:
    """`raw` without colours, progress bars as they stood last, other controls as U+FFFD, at most 8,000 characters.

    What is left out at the end is said in the line itself. `is_cut`: the line went on beyond what was fetched.
    """
    plain = _ESCAPES.sub("", raw)
    folded = next((part for part in reversed(plain.split("\r")) if part.strip()), "")
    said = _CONTROLS.sub("\ufffd", folded)
    if is_cut:
        return f"{said[:LINE_LIMIT]}… [the line is longer: its end was not fetched]"
    if len(said) > LINE_LIMIT:
        return f"{said[:LINE_LIMIT]}… [{len(said) - LINE_LIMIT:,} more characters were cut here]"
    return said

"""The one parser of Kubernetes quantities.

Stricter than the API server on purpose: everything accepted here has exactly one canonical text, so a form that
says "0.5" and a cluster that answers "500m" never look different. CPU is whole millicores, memory whole bytes.
"""

import re
from decimal import ROUND_CEILING, Decimal
from typing import Final

_BINARY: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}
_DECIMAL: Final = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}

# No exponents, signs or bare dots: each of them has a second spelling that would show as a difference for ever.
_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,12})?\Z", re.ASCII)
_SPLIT: Final = re.compile(r"([^A-Za-z]*)(.*)\Z", re.ASCII | re.DOTALL)

# A kilobyte-sized container is a forgotten unit; a thousand cores is millicores typed without "m".
MEMORY_MIN: Final = 4 * 2**20
MEMORY_MAX: Final = 64 * 2**40
CPU_MAX: Final = 960_000

# What people write after a number of cores.
_CORES: Final = frozenset({"core", "cores", "cpu", "cpus", "vcpu", "vcpus"})

_SUGGESTIONS: Final = {
    "K": "k or Ki",
    "KB": "Ki",
    "KIB": "Ki",
    "KI": "Ki",
    "B": "no unit at all",
    "MB": "Mi",
    "MIB": "Mi",
    "MI": "Mi",
    "GB": "Gi",
    "GIB": "Gi",
    "GI": "Gi",
    "G": "Gi",
    "TB": "Ti",
    "TIB": "Ti",
    "TI": "Ti",
    "T": "Ti",
}


class QuantityError(ValueError):
    """The text is not a quantity this field can hold; the message says what would fit."""


def parse_cpu(text: str) -> int:
    """Millicores from "2", "0.5" or "250m". A part of a millicore is rounded up."""
    number, unit = _split(text, example='"500m" or "2"')
    if unit not in ("", "m"):
        raise QuantityError(f'"{_shown(text)}" is not CPU: write cores such as "2" or millicores such as "500m".')
    millicores = int((number * (1 if unit == "m" else 1000)).to_integral_value(rounding=ROUND_CEILING))
    if millicores == 0:
        raise QuantityError('CPU must be more than 0, for example "100m".')
    if millicores > CPU_MAX:
        hint = f' Did you mean "{number:f}m"?' if unit == "" and number <= CPU_MAX else ""
        raise QuantityError(f"{human_cpu(millicores)} is more than any node has ({human_cpu(CPU_MAX)}).{hint}")
    return millicores


def parse_memory(text: str) -> int:
    """Bytes from "512Mi", "1.5Gi" or "2G". A part of a byte is rounded up."""
    number, unit = _split(text, example='"512Mi" or "4Gi"')
    if unit == "m":
        raise QuantityError(f'"{_shown(text)}" means a thousandth of a byte. Did you mean "{_mebibytes(number)}"?')
    if unit in ("E", "Ei"):
        raise QuantityError(f'"{_shown(text)}" is more than any node has ({human_memory(MEMORY_MAX)}).')
    factor = _BINARY.get(unit) or _DECIMAL.get(unit) or (1 if unit == "" else None)
    if factor is None:
        suggestion = _SUGGESTIONS.get(unit.upper())
        hint = f" Use {suggestion}," if suggestion else " Use Ki, Mi, Gi or Ti,"
        hint += ' for example "4Gi".'
        raise QuantityError(f'"{unit[:12]}" is not a unit of memory.{hint}')
    size = int((number * factor).to_integral_value(rounding=ROUND_CEILING))
    if size < MEMORY_MIN:
        hint = f' Did you mean "{_mebibytes(number)}"?' if unit == "" and number > 0 else ""
        raise QuantityError(f"{size} bytes is too little to start a container (at least 4Mi, such as 512Mi).{hint}")
    if size > MEMORY_MAX:
        raise QuantityError(f'"{_shown(text)}" is more than any node has ({human_memory(MEMORY_MAX)}).')
    return size


def rounding(text: str, *, is_cpu: bool) -> str:
    """What became of a part too small to count, in words; empty when nothing was rounded."""
    try:
        size = parse_cpu(text) if is_cpu else parse_memory(text)
    except QuantityError:
        return ""
    number, unit = _split(text, example="")
    factors = {"": 1000, "m": 1} if is_cpu else {"": 1} | _BINARY | _DECIMAL
    if number * factors[unit] == size:
        return ""
    return f"Rounded up to {format_cpu(size) if is_cpu else format_memory(size)}."


def format_cpu(millicores: int) -> str:
    """The canonical text, the same the API server answers: whole cores without unit, else millicores."""
    return f"{millicores // 1000}" if millicores % 1000 == 0 else f"{millicores}m"


def format_memory(size: int) -> str:
    """The canonical text: the largest binary unit that divides it, else plain bytes."""
    for unit, factor in reversed(_BINARY.items()):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def human_cpu(millicores: int) -> str:
    """ "2 cores", "1 core", "1.5 cores" or "250m"."""
    if millicores < 1000:
        return f"{millicores}m"
    return "1 core" if millicores == 1000 else f"{_trim(Decimal(millicores) / 1000)} cores"


def human_memory(size: int) -> str:
    """ "6 GiB", "1.5 GiB" or "512 MiB", at most two decimals."""
    for unit, factor in reversed(_BINARY.items()):
        if size >= factor:
            return f"{_trim(Decimal(size) / factor)} {unit}B"
    return f"{size} B"


def _trim(value: Decimal) -> str:
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def _mebibytes(number: Decimal) -> str:
    """The number as Mi where a container could have so much, else the least that one can."""
    fits = MEMORY_MIN <= number * 2**20 <= MEMORY_MAX
    return f"{number:f}Mi" if fits else f"{MEMORY_MIN // 2**20}Mi"


def _shown(text: str) -> str:
    return text[:24].encode("ascii", "backslashreplace").decode()


def _split(text: str, *, example: str) -> tuple[Decimal, str]:
    # Form fields are trimmed by everybody; a newline at the end comes from a file and means a broken import.
    trimmed = text.strip(" ")
    if not trimmed:
        raise QuantityError(f"Fill in a quantity, for example {example}.")
    if len(trimmed) > 32 or not trimmed.isascii():
        raise QuantityError(
            f'"{_shown(trimmed)}" is not a quantity. Use plain digits and a unit, for example {example}.'
        )
    if trimmed.startswith("-"):
        raise QuantityError(f"A quantity cannot be negative. Use for example {example}.")
    match = _SPLIT.match(trimmed)
    digits, unit = (match.group(1), match.group(2)) if match else ("", trimmed)
    if "," in digits:
        raise QuantityError(f'Write the decimal with a dot: "{_shown(trimmed.replace(",", "."))}".')
    if unit.strip().lower() in _CORES:
        alone = digits.strip()
        such = f'"{_shown(alone)}"' if _NUMBER.match(alone) and Decimal(alone) > 0 else example
        raise QuantityError(f"Write the number of cores alone, such as {such}.")
    if digits != digits.rstrip():
        raise QuantityError(f'Leave out the space: "{_shown("".join(trimmed.split()))}".')
    if not _NUMBER.match(digits):
        raise QuantityError(f'"{_shown(trimmed)}" is not a quantity. Use digits and a unit, for example {example}.')
    return Decimal(digits), unit

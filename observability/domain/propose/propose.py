"""Proposing a feature spec from a sample: kind, centre, unit, vocabulary and atoms, each with its reason.

A proposal is confirmed by a person; it is never guessed again behind their back, because profiles of different specs
do not merge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from observability.domain.fold.columns import plain
from observability.domain.propose.dress import Dress, undress
from observability.domain.propose.scale import place
from observability.domain.propose.sentinels import sentinels
from observability.domain.specs.parse import Parse
from observability.domain.specs.spec import MAX_ATOMS, MAX_TABLE, MAX_VOCABULARY, FeatureSpec, Kind, Spec, SpecError
from observability.domain.specs.texts import MARKS, marks

NO_VALUE: Final = "no value in the sample: declare the kind yourself"
NO_ROWS: Final = "the sample is empty"
SMALL_TABLE: Final = 64  # continuous columns: enough to notice one that got stuck, cheap to give up
_ID_NAME: Final = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|hash|session|cookie|request|user|device)$|Id$", re.ASCII)
_CODE_NAME: Final = re.compile(
    r"(^|[_\W])(zip|zipcode|zip_code|postal|postcode|plz|code|cd|sku|isbn|category|class|status|type|region|area_code|dma"
    r"|version|bucket|cluster|label_id|http_status)(_?(code|id|no|nr|num))?$",
    re.ASCII | re.IGNORECASE,
)
_AMOUNT_NAME: Final = re.compile(
    r"(^|[_\W])(price|amount|cost|cents|total|sum|count|qty|quantity|age|size|bytes|length|duration|ms|seconds|distance"
    r"|income|salary|revenue|balance|score|rank)($|[_\W])",
    re.ASCII | re.IGNORECASE,
)
_TIME_NAME: Final = re.compile(
    r"(^|[_\W])(ts|time|timestamp|date|datetime|epoch|created|updated|at|unix|ns|us|nanos|micros|millis|when|seen|logged"
    r"|received|started|ended|expires|expiry|birthday|dob)($|[_\W])|_at$",
    re.I,
)
_YEARS: Final = (946_684_800, 2_524_608_000)  # 2000 to 2050 in seconds
_NARROW: Final = 15 * 31_557_600  # seconds
_BRIEF: Final = 3_600  # seconds: values that lie closer together are amounts of one size
_UNIT_SCALE: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def propose(sample: pa.Table | Mapping[str, pa.Array]) -> Spec:
    """A spec for every column of the sample, in its order."""
    if isinstance(sample, pa.Table):
        columns = list(zip(sample.column_names, sample.columns, strict=True))
    else:
        columns = list(sample.items())
    return Spec(tuple(propose_feature(name, plain(column)) for name, column in columns))


def is_undecided(feature: FeatureSpec) -> bool:
    """Whether there was no value to tell the kind by."""
    return feature.reason.startswith((NO_VALUE, NO_ROWS))


def decided(feature: FeatureSpec, other: FeatureSpec) -> FeatureSpec:
    """An undecided feature as another source proposes it; marks that were all it had read as missing."""
    gone = tuple(word for word in feature.vocabulary if word.strip().casefold() in MARKS)
    if not gone or is_undecided(other) or other.kind in (Kind.CATEGORY, Kind.TEXT, Kind.EMBEDDING):
        return other
    rule = other.parse or Parse(decimal="." if other.kind is Kind.NUMERIC else "")
    named = dict.fromkeys([*rule.missing, *(word.strip().casefold() for word in gone)])
    hint = ", ".join(f"'{word[:20]}'" for word in gone)
    return replace(other, parse=replace(rule, missing=tuple(named)), reason=f"{other.reason}; {hint} read as missing")


def propose_feature(name: str, array: pa.Array) -> FeatureSpec:
    """The spec of one column, with its reason."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = plain(array.dictionary_decode())
        kind = array.type
    if array.null_count == len(array):
        reason = NO_VALUE if len(array) else NO_ROWS
        return FeatureSpec(name=name, kind=Kind.CATEGORY, reason=reason)
    if is_vector(kind):
        return _vector(name, array)
    if pa.types.is_nested(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
        raise SpecError(f"not supported: column {name!r} of type {kind}")
    if pa.types.is_boolean(kind):
        return FeatureSpec(name=name, kind=Kind.BOOLEAN, vocabulary=("false", "true"), reason="booleans")
    if pa.types.is_temporal(kind):
        return _instants(name, array)
    if pa.types.is_integer(kind):
        return _integers(name, array.drop_null().to_numpy(zero_copy_only=False))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = pc.cast(array.drop_null(), pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        finite = values[np.isfinite(values)]
        unit = unix_unit(name, finite)
        if unit:
            why = f"between 2000 and 2050 as unix time in {unit} with fractions"
            return instants_of(name, np.floor(finite).astype(np.int64), unit, why)
        if len(finite) and (finite == np.rint(finite)).all() and (np.abs(finite) < 2**53).all():
            return _integers(name, finite.astype(np.int64))
        return numbers_of(name, finite, "numbers")
    return _strings(name, array)


def is_vector(kind: pa.DataType) -> bool:
    """Lists of numbers, of one length or of many."""
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)))


def _vector(name: str, array: pa.Array) -> FeatureSpec:
    lengths = pc.list_value_length(array).drop_null().to_numpy(zero_copy_only=False)
    common = int(np.bincount(lengths).argmax())
    others = float(np.mean(lengths != common))
    if common == 0:
        return FeatureSpec(
            name=name, kind=Kind.EMBEDDING, dimension=1, table_limit=0, reason="empty lists in the sample"
        )
    flat = plain(array).flatten().drop_null()
    numbers = pc.cast(flat, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    scale = float(np.sqrt(np.mean(np.square(numbers[np.isfinite(numbers)])))) if len(numbers) else 1.0
    exponent = int(np.floor(np.log2(scale))) - 2 if scale > 0 else 0
    return FeatureSpec(
        name=name,
        kind=Kind.EMBEDDING,
        dimension=common,
        unit_exponent=exponent,
        table_limit=0,
        reason=f"lists of {common} numbers: norm and 16 fixed projections"
        + (f"; {others:.0%} of the lists have another length" if others else ""),
    )


def _instants(name: str, array: pa.Array) -> FeatureSpec:
    unit = array.type.unit if pa.types.is_timestamp(array.type) else "s" if pa.types.is_date32(array.type) else "ms"
    as_stamp = array if pa.types.is_timestamp(array.type) else array.cast(pa.timestamp(unit))
    return instants_of(name, as_stamp.cast(pa.int64()).drop_null().to_numpy(), unit, "instants")


def instants_of(name: str, values: NDArray[Any], unit: str, why: str) -> FeatureSpec:
    usual = values[(values != 0) & (values != -1)]
    marks = [f"{value}" for value in (-1, 0) if len(usual) and (values == value).any()]
    values = usual if len(usual) else values
    centre = int(np.sort(values)[len(values) // 2])
    placing = place((values - centre).astype(np.float64), centres=(0.0,), is_integer=True)
    return FeatureSpec(
        name=name,
        kind=Kind.TIMESTAMP,
        centre=centre,
        unit_exponent=placing.unit_exponent,
        time_unit=unit,
        table_limit=0,
        reason=f"{why}: integers of {unit}, centred on the median instant"
        + ("; left out of that: " + ", ".join(marks) if marks else ""),
    )


def _integers(name: str, values: NDArray[Any]) -> FeatureSpec:
    """Integers are flags, times, ids, codes or numbers, asked in this order."""
    distinct, counts = np.unique(values, return_counts=True)
    rows, share = len(values), len(distinct) / max(len(values), 1)
    if set(distinct.tolist()) <= {0, 1}:
        return FeatureSpec(name=name, kind=Kind.BOOLEAN, vocabulary=("false", "true"), reason="only 0 and 1: a flag")
    is_named_id = bool(_ID_NAME.search(name))
    if _CODE_NAME.search(name):
        words = vocabulary_of([str(value) for value in distinct.tolist()], counts)
        return FeatureSpec(
            name=name, kind=Kind.CODE, vocabulary=words, reason="its name says code: magnitudes mean nothing"
        )
    unit = unix_unit(name, values)
    if unit:
        return instants_of(name, values.astype(np.int64), unit, f"between 2000 and 2050 as unix time in {unit}")
    if is_named_id and (share > 0.5 or len(distinct) > MAX_TABLE or int(distinct[-1]) > 2**31):
        return FeatureSpec(name=name, kind=Kind.ID, table_limit=0, reason="its name says id and values hardly repeat")
    if is_named_id:
        words = vocabulary_of([str(value) for value in distinct.tolist()], counts)
        reason = f"its name says id and {len(distinct)} values repeat: a code, magnitudes mean nothing"
        return FeatureSpec(name=name, kind=Kind.CODE, vocabulary=words, reason=reason)
    if int(distinct[-1]) > 2**53 or int(distinct[0]) < -(2**53):
        return FeatureSpec(name=name, kind=Kind.ID, table_limit=0, reason="integers beyond 2**53: ids, not amounts")
    if rows >= 200 and share > 0.98 and _is_spread(distinct) and not _AMOUNT_NAME.search(name):
        return FeatureSpec(
            name=name, kind=Kind.ID, table_limit=0, reason="nearly every value is new, evenly spread: an id"
        )
    return numbers_of(name, values.astype(np.float64), "integers", is_integer=True)


def unix_unit(name: str, values: NDArray[Any]) -> str:
    """s, ms, us or ns if the values are unix times, else nothing. Sentinels (0, -1) do not speak against it."""
    is_named = bool(_TIME_NAME.search(name))
    values = values[(values != 0) & (values != -1)]
    if not len(values) or (_ID_NAME.search(name) and not is_named):
        return ""
    for unit, scale in _UNIT_SCALE.items():
        typical = values[(values >= _YEARS[0] * scale) & (values < _YEARS[1] * scale)]
        if len(typical) <= 0.95 * len(values):
            continue
        # Ids of services count their own milliseconds in the upper bits, and a day of them looks like nanoseconds;
        # clocks seldom tell single nanoseconds, and then the column's name says time.
        if unit == "ns" and not is_named and (typical % 1_000 != 0).mean() > 0.01:
            return ""
        # Without a telling name a log spans years, not decades: random 60-bit ids read as nanoseconds would span 40.
        span = float(typical.max()) - float(typical.min())
        is_likely = len(np.unique(typical)) > 20 and _BRIEF * scale <= span < _NARROW * scale
        amount = _AMOUNT_NAME.search(name)
        is_amount = amount is not None and amount[2].lower() not in ("ms", "seconds")
        return unit if is_named or (is_likely and not is_amount) else ""
    return ""


def _is_spread(distinct: NDArray[Any]) -> bool:
    """Whether sorted values lie as evenly as counters and random ids do (amounts crowd somewhere)."""
    scaled = (distinct - distinct[0]) / max(float(distinct[-1] - distinct[0]), 1.0)
    return bool(np.abs(scaled - np.linspace(0, 1, len(scaled))).max() < 0.1)


def numbers_of(name: str, values: NDArray[Any], what: str, *, is_integer: bool = False) -> FeatureSpec:
    if not len(values):
        return FeatureSpec(
            name=name, kind=Kind.NUMERIC, table_limit=SMALL_TABLE, reason="no finite value in the sample"
        )
    distinct, counts = np.unique(values, return_counts=True)
    is_discrete = len(distinct) <= MAX_TABLE and (len(distinct) <= len(values) / 2 or len(distinct) <= SMALL_TABLE)
    atoms: list[float] = []
    if len(distinct) > SMALL_TABLE:
        heavy = (counts >= max(20, len(values) / 100)) & (counts > 10 * np.median(counts))
        atoms = distinct[heavy][np.argsort(-counts[heavy], kind="stable")][:16].tolist()
    marks = sentinels(distinct, counts)
    atoms = sorted({*atoms, *marks})[:MAX_ATOMS]
    smooth = values[~np.isin(values, atoms)] if atoms else values
    placing = place(smooth if len(smooth) else values, is_integer=is_integer)
    reasons = [what, placing.reason]
    if atoms:
        reasons.append("repeated exact values counted on their own: " + ", ".join(f"{atom:g}" for atom in atoms))
    if marks:
        reasons.append("look like sentinels, not like amounts: " + ", ".join(f"{mark:g}" for mark in marks))
    if is_discrete:
        reasons.append(f"{len(distinct)} distinct values: kept exactly")
    return FeatureSpec(
        name=name,
        kind=Kind.NUMERIC,
        centre=int(placing.centre) if is_integer else placing.centre,
        unit_exponent=placing.unit_exponent,
        atoms=tuple(atoms),
        table_limit=MAX_TABLE if is_discrete else SMALL_TABLE,
        reason="; ".join(reasons),
    )


def _strings(name: str, array: pa.Array) -> FeatureSpec:
    array = as_strings(name, array)
    found = array.drop_null().value_counts()
    words, counts = found.field(0).to_pylist(), found.field(1).to_numpy()
    dress = undress(words, counts)
    read = _dressed(name, dress)
    if read is not None:
        return read
    if (
        dress.kind in ("numbers", "codes") and dress.parse and dress.parse.missing
    ):  # codes among which "NA" stands for none
        gone = marks(dress.parse)
        kept = [place for place, word in enumerate(words) if word.strip().casefold() not in gone]
        chosen = _words(name, [words[place].strip() for place in kept], counts[kept])
        return replace(chosen, parse=Parse(missing=dress.parse.missing), reason=f"{chosen.reason}; {dress.hint}")
    chosen = _words(name, words, counts)
    if dress.kind == "marks":
        shown = ", ".join(f"'{word[:20]}'" for word in words[:3])
        return replace(chosen, kind=Kind.CATEGORY, reason=f"{NO_VALUE}; there is only {shown}")
    if dress.doubt and chosen.kind is Kind.ID:
        chosen = FeatureSpec(name=name, kind=Kind.CATEGORY, vocabulary=vocabulary_of(words, counts), reason="texts")
    return replace(chosen, reason=f"{chosen.reason}; {dress.doubt}") if dress.doubt else chosen


def _dressed(name: str, dress: Dress) -> FeatureSpec | None:
    """The spec of texts that stand for numbers, instants or flags; None where they are codes or words."""
    if dress.kind == "flags":
        chosen = FeatureSpec(name=name, kind=Kind.BOOLEAN, vocabulary=("false", "true"), reason="a flag")
    elif dress.kind == "instants":
        chosen = instants_of(name, np.repeat(np.array(dress.values, dtype=np.int64), dress.counts), "us", dress.hint)
        return replace(chosen, parse=dress.parse)
    elif dress.kind == "numbers":
        are_whole = all(isinstance(value, int) for value in dress.values)
        is_code = bool(_CODE_NAME.search(name) or _ID_NAME.search(name))
        if dress.is_plain and (are_whole or is_code):
            return None  # digits kept as text, or a version such as 1.10
        values = np.repeat(np.array(dress.values), dress.counts)
        rule = dress.parse or Parse()
        is_amount = bool(rule.symbols or rule.percent or rule.thousands)
        if are_whole and not is_amount:
            chosen = _integers(name, values)
        else:
            values = values.astype(np.float64)
            chosen = numbers_of(name, values[np.isfinite(values)], dress.hint, is_integer=are_whole)
            return replace(chosen, parse=dress.parse)
    else:
        return None
    return replace(chosen, parse=dress.parse, reason=f"{dress.hint}; {chosen.reason}")


def _words(name: str, words: list[str], counts: NDArray[Any]) -> FeatureSpec:
    """Distinct texts that stand for themselves, with how often each occurs."""
    rows = int(counts.sum())
    share = len(words) / max(rows, 1)
    size = float(np.mean([len(word) for word in words]))
    has_spaces = np.mean([" " in word.strip() for word in words]) > 0.5
    if has_spaces and (size > 40 or (share > 0.5 and size > 20)):
        return FeatureSpec(
            name=name, kind=Kind.TEXT, reason=f"sentences of {size:.0f} characters: length and emptiness"
        )
    vocabulary = vocabulary_of(words, counts)
    are_digits = all(word.isascii() and word.isdigit() for word in words)
    if are_digits and _CODE_NAME.search(name):
        return FeatureSpec(name=name, kind=Kind.CODE, vocabulary=vocabulary, reason="digits, and its name says code")
    if rows >= 50 and share > 0.9 and not has_spaces and not _are_numbers(words):
        return FeatureSpec(name=name, kind=Kind.ID, table_limit=0, reason="nearly every value is new: an id")
    if _ID_NAME.search(name) and share > 0.5 and rows >= 50:
        return FeatureSpec(name=name, kind=Kind.ID, table_limit=0, reason="its name says id and values hardly repeat")
    if set(words) <= {"0", "1"}:
        return FeatureSpec(name=name, kind=Kind.BOOLEAN, vocabulary=("false", "true"), reason="only 0 and 1: a flag")
    if are_digits:
        return FeatureSpec(name=name, kind=Kind.CODE, vocabulary=vocabulary, reason="digits kept as text: a code")
    return FeatureSpec(
        name=name, kind=Kind.CATEGORY, vocabulary=vocabulary, reason=f"{len(words)} distinct texts in {rows} rows"
    )


def as_strings(name: str, array: pa.Array) -> pa.Array:
    """Texts as Arrow's string; bytes that are no UTF-8 are shown escaped, as the fold shows them."""
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            array = array.cast(pa.large_binary())
        else:
            return array
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        words = [None if word is None else word.decode("utf-8", "backslashreplace") for word in array.to_pylist()]
        return pa.array(words, pa.string())
    except pa.ArrowNotImplementedError:
        raise SpecError(f"not supported: column {name!r} of type {array.type}") from None


def _are_numbers(words: list[str]) -> bool:
    """Decimal numbers written as text, codes with leading zeros excepted."""
    return all(_NUMBER.fullmatch(word) for word in words) and any("." in word for word in words)


def vocabulary_of(words: list[str], counts: NDArray[Any]) -> tuple[str, ...]:
    """The 256 most frequent values, most frequent first; ties in UTF-8 order."""
    ranked = sorted(zip(words, counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0].encode()))
    return tuple(word for word, _ in ranked[:MAX_VOCABULARY])

"""Proposing a feature spec from a sample: kind, centre, unit, vocabulary and atoms, each with its reason.

A proposal is confirmed by a person; it is never guessed again behind their back, because profiles of different specs
do not merge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .columns import plain
from .placing import place
from .spec import MAX_TABLE, MAX_VOCABULARY, FeatureSpec, Kind, Spec

SMALL_TABLE: Final = 64  # continuous columns: enough to notice one that got stuck, cheap to give up
_ID_NAME: Final = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|hash|session|cookie|request|user|device)$|Id$", re.ASCII)
_CODE_NAME: Final = re.compile(
    r"(^|[_\W])(zip|zipcode|zip_code|postal|postcode|plz|code|cd|sku|isbn|category|class|status|type|region|area_code|dma"
    r"|version|bucket|cluster|label_id|http_status)(_?(code|id|no|nr|num))?$",
    re.ASCII | re.IGNORECASE,
)
_TIME_NAME: Final = re.compile(
    r"(^|[_\W])(ts|time|timestamp|date|datetime|epoch|created|updated|at|unix)($|[_\W])|_at$", re.I
)
_YEARS: Final = (946_684_800, 2_524_608_000)  # 2000 to 2050 in seconds
_NARROW: Final = 15 * 31_557_600  # seconds
_UNIT_SCALE: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_ISO: Final = re.compile(r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$")


def propose(sample: pa.Table | Mapping[str, pa.Array]) -> Spec:
    """A spec for every column of the sample, in its order."""
    if isinstance(sample, pa.Table):
        columns = list(zip(sample.column_names, sample.columns, strict=True))
    else:
        columns = list(sample.items())
    return Spec(tuple(propose_feature(name, plain(column)) for name, column in columns))


def propose_feature(name: str, array: pa.Array) -> FeatureSpec:
    """The spec of one column, with its reason."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = plain(array.dictionary_decode())
        kind = array.type
    if array.null_count == len(array):
        reason = "no value in the sample: declare the kind yourself" if len(array) else "the sample is empty"
        return FeatureSpec(name=name, kind=Kind.CATEGORY, reason=reason)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _vector(name, array)
    if pa.types.is_boolean(kind):
        return FeatureSpec(name=name, kind=Kind.BOOLEAN, vocabulary=("false", "true"), reason="booleans")
    if pa.types.is_temporal(kind) and not pa.types.is_time(kind) and not pa.types.is_duration(kind):
        return _instants(name, array)
    if pa.types.is_integer(kind):
        return _integers(name, array.drop_null().to_numpy(zero_copy_only=False))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = pc.cast(array.drop_null(), pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        finite = values[np.isfinite(values)]
        if len(finite) and (finite == np.rint(finite)).all() and (np.abs(finite) < 2**53).all():
            return _integers(name, finite.astype(np.int64))
        return _numbers(name, finite, "numbers")
    return _strings(name, array)


def _vector(name: str, array: pa.Array) -> FeatureSpec:
    lengths = pc.list_value_length(array).drop_null().to_numpy(zero_copy_only=False)
    common = int(np.bincount(lengths).argmax())
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
        reason=f"lists of {common} numbers: norm and 16 fixed projections",
    )


def _instants(name: str, array: pa.Array) -> FeatureSpec:
    unit = array.type.unit if pa.types.is_timestamp(array.type) else "s" if pa.types.is_date32(array.type) else "ms"
    as_stamp = array if pa.types.is_timestamp(array.type) else array.cast(pa.timestamp(unit))
    return _timestamp(name, as_stamp.cast(pa.int64()).drop_null().to_numpy(), unit, "instants")


def _timestamp(name: str, values: NDArray[Any], unit: str, why: str) -> FeatureSpec:
    centre = int(np.sort(values)[len(values) // 2])
    placing = place((values - centre).astype(np.float64), centres=(0.0,), is_integer=True)
    return FeatureSpec(
        name=name,
        kind=Kind.TIMESTAMP,
        centre=centre,
        unit_exponent=placing.unit_exponent,
        time_unit=unit,
        table_limit=0,
        reason=f"{why}: integers of {unit}, centred on the median instant",
    )


def _integers(name: str, values: NDArray[Any]) -> FeatureSpec:
    """Integers are flags, times, ids, codes or numbers, asked in this order."""
    distinct, counts = np.unique(values, return_counts=True)
    rows, share = len(values), len(distinct) / max(len(values), 1)
    if set(distinct.tolist()) <= {0, 1}:
        return FeatureSpec(name=name, kind=Kind.BOOLEAN, vocabulary=("false", "true"), reason="only 0 and 1: a flag")
    is_named_id = bool(_ID_NAME.search(name))
    if _CODE_NAME.search(name):
        words = _vocabulary([str(value) for value in distinct.tolist()], counts)
        return FeatureSpec(
            name=name, kind=Kind.CODE, vocabulary=words, reason="its name says code: magnitudes mean nothing"
        )
    is_named_time = bool(_TIME_NAME.search(name))
    for unit, scale in _UNIT_SCALE.items():
        if is_named_id and not is_named_time:
            break
        low, high = _YEARS[0] * scale, _YEARS[1] * scale
        typical = distinct[(distinct >= low) & (distinct < high)]
        mostly = counts[(distinct >= low) & (distinct < high)].sum() / max(rows, 1)
        # Without a telling name a log spans years, not decades: random 60-bit ids read as nanoseconds would span 40.
        is_narrow = len(typical) > 20 and int(typical[-1]) - int(typical[0]) < _NARROW * scale
        if mostly > 0.95 and (is_named_time or is_narrow):
            return _timestamp(name, values.astype(np.int64), unit, f"between 2000 and 2050 as unix time in {unit}")
    if is_named_id and (share > 0.5 or len(distinct) > MAX_TABLE or int(distinct[-1]) > 2**31):
        return FeatureSpec(name=name, kind=Kind.ID, table_limit=0, reason="its name says id and values hardly repeat")
    if int(distinct[-1]) > 2**53 or int(distinct[0]) < -(2**53):
        return FeatureSpec(name=name, kind=Kind.ID, table_limit=0, reason="integers beyond 2**53: ids, not amounts")
    if rows >= 200 and share > 0.98 and _is_spread(distinct):
        return FeatureSpec(
            name=name, kind=Kind.ID, table_limit=0, reason="nearly every value is new, evenly spread: an id"
        )
    return _numbers(name, values.astype(np.float64), "integers", is_integer=True)


def _is_spread(distinct: NDArray[Any]) -> bool:
    """Whether sorted values lie as evenly as counters and random ids do (amounts crowd somewhere)."""
    scaled = (distinct - distinct[0]) / max(float(distinct[-1] - distinct[0]), 1.0)
    return bool(np.abs(scaled - np.linspace(0, 1, len(scaled))).max() < 0.1)


def _numbers(name: str, values: NDArray[Any], what: str, *, is_integer: bool = False) -> FeatureSpec:
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
    smooth = values[~np.isin(values, atoms)] if atoms else values
    placing = place(smooth if len(smooth) else values, is_integer=is_integer)
    reasons = [what, placing.reason]
    if atoms:
        reasons.append(
            "repeated exact values counted on their own: " + ", ".join(f"{atom:g}" for atom in sorted(atoms))
        )
    if is_discrete:
        reasons.append(f"{len(distinct)} distinct values: kept exactly")
    return FeatureSpec(
        name=name,
        kind=Kind.NUMERIC,
        centre=int(placing.centre) if is_integer else placing.centre,
        unit_exponent=placing.unit_exponent,
        atoms=tuple(sorted(atoms)),
        table_limit=MAX_TABLE if is_discrete else SMALL_TABLE,
        reason="; ".join(reasons),
    )


def _strings(name: str, array: pa.Array) -> FeatureSpec:
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        array = array.cast(pa.string())
    present = array.drop_null()
    found = present.value_counts()
    words, counts = found.field(0).to_pylist(), found.field(1).to_numpy()
    share = len(words) / len(present)
    size = float(np.mean([len(word) for word in words]))
    if all(_ISO.match(word) for word in words[:1000]):
        instants = _parse_instants(words)
        if instants is not None:
            return _timestamp(name, instants, "us", "texts that read as instants")
    has_spaces = np.mean([" " in word.strip() for word in words]) > 0.5
    if has_spaces and (size > 40 or (share > 0.5 and size > 20)):
        return FeatureSpec(
            name=name, kind=Kind.TEXT, reason=f"sentences of {size:.0f} characters: length and emptiness"
        )
    if len(present) >= 50 and share > 0.9 and not has_spaces:
        return FeatureSpec(name=name, kind=Kind.ID, table_limit=0, reason="nearly every value is new: an id")
    if _ID_NAME.search(name) and share > 0.5 and len(present) >= 50:
        return FeatureSpec(name=name, kind=Kind.ID, table_limit=0, reason="its name says id and values hardly repeat")
    vocabulary = _vocabulary(words, counts)
    if all(word.isascii() and word.isdigit() for word in words):
        return FeatureSpec(name=name, kind=Kind.CODE, vocabulary=vocabulary, reason="digits kept as text: a code")
    if {word.lower() for word in words} <= {"true", "false"}:
        return FeatureSpec(name=name, kind=Kind.BOOLEAN, vocabulary=vocabulary, reason="true and false as text")
    reason = f"{len(words)} distinct texts in {len(present)} rows"
    return FeatureSpec(name=name, kind=Kind.CATEGORY, vocabulary=vocabulary, reason=reason)


def _parse_instants(words: list[str]) -> NDArray[Any] | None:
    try:
        return np.asarray(pa.array(words).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy())
    except pa.ArrowInvalid:
        try:
            return np.asarray(pa.array(words).cast(pa.timestamp("us")).cast(pa.int64()).to_numpy())
        except pa.ArrowInvalid:
            return None


def _vocabulary(words: list[str], counts: NDArray[Any]) -> tuple[str, ...]:
    """The 256 most frequent values, most frequent first; ties in UTF-8 order."""
    ranked = sorted(zip(words, counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0].encode()))
    return tuple(word for word, _ in ranked[:MAX_VOCABULARY])

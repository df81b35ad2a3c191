"""Numbers, times and flags as people write them, one odd file each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from observability.tests.odd_files import FLAG, NUMERIC, STAMP, Odd, csv, jsonl, parquet, text


def us(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1_000_000)


def times(rows: int = 40) -> list[str]:
    return [f"2024-03-{day % 28 + 1:02d}T10:00:00Z" for day in range(rows)]


DECIMALS = [f"{value / 4}" for value in range(100)]
EPOCH_1500 = us(1500, 1, 1)

MARKED = [
    csv(
        "NA among decimals",
        *["1.5", "2.5"] * 19,
        "NA",
        " NA",
        kinds=NUMERIC,
        rows=40,
        values={"v": {1.5: 19, 2.5: 19, None: 2}},
        said=["95% are numbers", "'NA' reads as missing"],
    ),
    *(
        csv(
            f"{mark!r} among numbers",
            *["1.5", "2.5"] * 19,
            mark,
            mark,
            kinds=NUMERIC,
            rows=40,
            values={"v": {1.5: 19, 2.5: 19, None: 2}},
            said=["95% are numbers", "missing"],
        )
        for mark in ("null", "-", "N/A", "None", "#N/A", "n.a.", "?", "--", "NULL", "nil", "\\N", "#DIV/0!", "  ")
    ),
    csv("NaN beside NA", *["1.5", "2.5"] * 10, "NaN", "NA", kinds=NUMERIC, rows=22),
    csv("whole numbers with gaps", *map(str, range(10, 50)), "-", kinds=NUMERIC, rows=41, span={"v": (10, 49)}),
    csv(
        "flags with gaps", *["0", "1"] * 20, "NA", kinds=FLAG, rows=41, values={"v": {"false": 20, "true": 20, None: 1}}
    ),
    csv(
        "floats of pandas for flags",
        *["0.0", "1.0"] * 20,
        "",
        kinds=FLAG,
        rows=41,
        values={"v": {"false": 20, "true": 20, None: 1}},
    ),
    text(
        "codes that a gap made floats",
        "log.csv",
        "merchant_id,x\n" + "7.0,1\n8.0,2\n,3\n" * 30,
        kinds={"merchant_id": "code"},
        rows=90,
        values={"merchant_id": {"7": 30, "8": 30, None: 30}},
    ),
    text(
        "zip codes with gaps",
        "log.csv",
        "zip,x\n" + "00501,1\n10001,2\nNA,3\n" * 20,
        kinds={"zip": "code"},
        rows=60,
        values={"zip": {"00501": 20, "10001": 20, None: 20}},
    ),
    csv(
        "a word nobody knows",
        *["1.5", "2.5"] * 30,
        "faulty",
        kinds={"v": "category"},
        rows=61,
        said=["98% are numbers, 'faulty' not: name what reads as missing"],
    ),
    csv(
        "Namibia",
        *["NA", "DE", "FR"] * 20,
        kinds={"v": "category"},
        rows=60,
        values={"v": {"NA": 20, "DE": 20, "FR": 20}},
    ),
    csv("Norway alone", *["NO"] * 20, kinds={"v": "category"}, rows=20, values={"v": {"NO": 20}}),
]

NUMBERS = [
    csv(
        "decimal commas",
        "1,5",
        "2,25",
        "-3,0",
        kinds=NUMERIC,
        rows=3,
        values={"v": {1.5: 1, 2.25: 1, -3: 1}},
        said=["with a decimal comma"],
    ),
    text(
        "decimal commas after semicolons",
        "log.csv",
        "v;w\n1,5;1\n2,25;2\n",
        kinds=NUMERIC,
        rows=2,
        values={"v": {1.5: 1, 2.25: 1}},
    ),
    csv("thousands and decimals", "1,234.50", "12.25", kinds=NUMERIC, rows=2, values={"v": {1234.5: 1, 12.25: 1}}),
    csv("thousands, continental", "1.234,50", "12,25", kinds=NUMERIC, rows=2, values={"v": {1234.5: 1, 12.25: 1}}),
    csv("thousands of whole numbers", "1,234,567", "950", kinds=NUMERIC, rows=2, values={"v": {1234567: 1, 950: 1}}),
    csv("thousands, Swiss", "1'234.5", "7", kinds=NUMERIC, rows=2, values={"v": {1234.5: 1, 7: 1}}),
    csv("thousands, French", "1\u202f234,5", "7", kinds=NUMERIC, rows=2, values={"v": {1234.5: 1, 7: 1}}),
    csv("thousands, Indian", "12,34,567", "7", kinds=NUMERIC, rows=2, values={"v": {1234567: 1, 7: 1}}),
    csv(
        "a comma with two readings",
        "1,234",
        "5,678",
        kinds={"v": "category"},
        rows=2,
        said=["may mark decimals or thousands"],
    ),
    csv("dollars", "$1.50", "-$2.50", "($3.50)", kinds=NUMERIC, rows=3, values={"v": {1.5: 1, -2.5: 1, -3.5: 1}}),
    csv("euros", "1,50 €", "2,50\u00a0€", kinds=NUMERIC, rows=2, values={"v": {1.5: 1, 2.5: 1}}),
    csv("currency codes", "1.50 EUR", "EUR 2.50", "NA", kinds=NUMERIC, rows=3, values={"v": {1.5: 1, 2.5: 1, None: 1}}),
    csv("two currencies", "$1.50", "€2.50", kinds={"v": "category"}, rows=2, said=["several currencies"]),
    csv("per cent", "12.5%", "0.7 %", "100%", kinds=NUMERIC, rows=3, values={"v": {0.125: 1, 0.007: 1, 1: 1}}),
    csv("a real minus", "\u22121.5", "2.5", kinds=NUMERIC, rows=2, values={"v": {-1.5: 1, 2.5: 1}}),
    csv("blanks around numbers", " 1.5", "2.5 ", kinds=NUMERIC, rows=2, values={"v": {1.5: 1, 2.5: 1}}),
    jsonl(
        "numbers as texts of JSON", "1.5", "2.5", "NA", kinds=NUMERIC, rows=3, values={"v": {1.5: 1, 2.5: 1, None: 1}}
    ),
    jsonl(
        "numbers and marks of JSON",
        1.5,
        2.5,
        "n/a",
        None,
        kinds=NUMERIC,
        rows=4,
        values={"v": {1.5: 1, 2.5: 1, None: 2}},
    ),
    parquet("numbers as texts of Parquet", {"v": [*DECIMALS, "NA"]}, kinds=NUMERIC, rows=101, span={"v": (0, 24.75)}),
    parquet(
        "numbers as a dictionary",
        {"v": pa.array(["1,5", "2,5"] * 5).dictionary_encode()},
        kinds=NUMERIC,
        rows=10,
        values={"v": {1.5: 5, 2.5: 5}},
    ),
    parquet(
        "numbers as bytes",
        {"v": pa.array([b"1.5", b"2.5"], pa.large_binary())},
        kinds=NUMERIC,
        rows=2,
        values={"v": {1.5: 1, 2.5: 1}},
    ),
    parquet(
        "versions are no numbers",
        {"model_version": ["1.0", "1.10"] * 9},
        kinds={"model_version": "category"},
        rows=18,
        values={"model_version": {"1.0": 9, "1.10": 9}},
    ),
    csv(
        "ids beyond 2**53 with gaps",
        *[str(2**62 + number * 7919) for number in range(60)],
        "NA",
        kinds={"v": "id"},
        rows=61,
    ),
]

TIMES = [
    parquet(
        "ISO texts of Parquet",
        {"v": times()},
        kinds=STAMP,
        rows=40,
        span={"v": (us(2024, 3, 1, 10), us(2024, 3, 28, 10))},
    ),
    parquet(
        "ISO texts with gaps and a stray",
        {"v": [*times(), None, "NULL"], "w": range(42)},
        kinds=STAMP | {"w": "numeric"},
        rows=42,
        values={"v": {None: 2}},
    ),
    parquet(
        "int96 of the year 1500 and 9999",
        {"v": pa.array([EPOCH_1500, us(9999, 1, 1), us(2024, 1, 1)], pa.timestamp("us"))},
        kinds=STAMP,
        rows=3,
        span={"v": (EPOCH_1500, us(9999, 1, 1))},
    ),
    csv(
        "dates with strokes",
        "2012/01/01",
        "2012/02/03",
        kinds=STAMP,
        rows=2,
        span={"v": (us(2012, 1, 1), us(2012, 2, 3))},
    ),
    csv(
        "dates with points",
        "31.01.2012",
        "01.02.2012",
        kinds=STAMP,
        rows=2,
        span={"v": (us(2012, 1, 31), us(2012, 2, 1))},
    ),
    csv(
        "American dates",
        "1/31/2012",
        "2/1/2012 3:04 PM",
        kinds=STAMP,
        rows=2,
        span={"v": (us(2012, 1, 31), us(2012, 2, 1, 15, 4))},
    ),
    csv("dates with two readings", "01/02/2012", "03/04/2012", kinds={"v": "category"}, rows=2, said=["dmy"]),
    csv(
        "months by name", "1 Jan 2012", "Feb 3, 2012", kinds=STAMP, rows=2, span={"v": (us(2012, 1, 1), us(2012, 2, 3))}
    ),
    csv(
        "times of a web server",
        "01/Jan/2012:10:00:00 +0200",
        "02/Jan/2012:10:00:00 +0200",
        kinds=STAMP,
        rows=2,
        span={"v": (us(2012, 1, 1, 8), us(2012, 1, 2, 8))},
    ),
    csv("times with NA", "2012-01-01 10:00:00", "NA", kinds=STAMP, rows=2, values={"v": {None: 1}}),
    parquet(
        "unix times as uint64",
        {"ts": pa.array(range(1_700_000_000, 1_700_000_050), pa.uint64())},
        kinds={"ts": "timestamp"},
        rows=50,
        span={"ts": (1_700_000_000, 1_700_000_049)},
    ),
    parquet(
        "unix times as decimals",
        {"ts": pa.array([Decimal(1_700_000_000), Decimal(1_700_000_050)] * 9)},
        kinds={"ts": "timestamp"},
        rows=18,
        span={"ts": (1_700_000_000, 1_700_000_050)},
    ),
    parquet("dates", {"v": pa.array([date(1500, 1, 1), date(2024, 1, 1)])}, kinds=STAMP, rows=2),
    parquet(
        "windows by ISO texts",
        {"at": times(), "x": [1.5] * 40},
        kinds={"x": "numeric"},
        rows=40,
        options=("--window", "day", "--time", "at"),
    ),
    parquet(
        "windows by texts of which one is none",
        {"at": [*times(3), "soon", None], "x": [1.0, 2.0, 3.0, 4.0, 5.0]},
        kinds={"x": "numeric"},
        rows=3,
        bad=2,
        values={"x": {1: 1, 2: 1, 3: 1}},
        options=("--window", "day", "--time", "at"),
    ),
    *(
        parquet(
            f"snowflakes named {name}",
            {name: pa.array([((70_000_000_000 + 977 * k) << 22) + k % 4096 for k in range(500)])},
            kinds={name: "id"},
            rows=500,
        )
        for name in ("event", "message", "tweet", "v", "snowflake", "post")
    ),
]

PLAIN_IDS = "event_id,x\n" + "".join(f"{2**60 + number * 77},1\n" for number in range(100))
SPARK = csv("infinities of Spark", "1.5", "Infinity", "-Infinity", kinds=NUMERIC, rows=3, span={"v": (1.5, 1.5)})
IDS = [SPARK, text("snowflakes of CSV", "log.csv", PLAIN_IDS, kinds={"event_id": "id"}, rows=100)]
FLAGS = [
    csv("True and False", "True", "False", "True", kinds=FLAG, rows=3, values={"v": {"true": 2, "false": 1}}),
    csv("yes and no", "yes", "No", "-", kinds=FLAG, rows=3, values={"v": {"true": 1, "false": 1, None: 1}}),
    csv("y and n", "Y", "N", "N", kinds=FLAG, rows=3, values={"v": {"true": 1, "false": 2}}),
    jsonl(
        "booleans beside words",
        True,
        "yes",
        "False",
        None,
        kinds=FLAG,
        rows=4,
        values={"v": {"true": 2, "false": 1, None: 1}},
    ),
    parquet(
        "flags as texts of Parquet",
        {"v": ["True", "False", "yes"]},
        kinds=FLAG,
        rows=3,
        values={"v": {"true": 2, "false": 1}},
    ),
    parquet(
        "flags as decimals",
        {"v": [Decimal("1.00"), Decimal("0.00")] * 5},
        kinds=FLAG,
        rows=10,
        values={"v": {"true": 5, "false": 5}},
    ),
    parquet(
        "codes as decimals",
        {"code": [Decimal("7.00"), Decimal("12.00")] * 5},
        kinds={"code": "code"},
        rows=10,
        values={"code": {"7": 5, "12": 5}},
    ),
]

ODD_VALUES: list[Odd] = [*MARKED, *NUMBERS, *TIMES, *IDS, *FLAGS]

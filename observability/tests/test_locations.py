"""Addresses of logs: what they stand for, what is refused and why, and whose they are."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.domain.sources.places import Root, left_root, refusal, root_of, root_problem
from observability.domain.sources.prefixes import Prefix, TooMany, between, of_object, open_prefixes
from observability.domain.sources.template import EXAMPLE, LocationError, parse

HOURLY = parse(EXAMPLE)
AMSTERDAM = "Europe/Amsterdam"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def uris(prefixes: list[Prefix]) -> list[str]:
    return [prefix.uri.removeprefix("gs://logs/ranker/") for prefix in prefixes]


def test_a_dated_address_names_one_prefix_an_hour() -> None:
    found = between(HOURLY, start=at("2026-11-27T05:30"), end=at("2026-11-27T07:00"), zone="")
    assert uris(found) == ["dt=2026-11-27/hh=05/", "dt=2026-11-27/hh=06/"]
    assert (found[0].start, found[0].end) == (at("2026-11-27T05:00"), at("2026-11-27T06:00"))


def test_prefixes_stay_open_until_lateness_has_passed() -> None:
    found = open_prefixes(HOURLY, at=at("2026-11-27T07:59"), lateness=7_200, zone="")
    assert uris(found) == [
        "dt=2026-11-27/hh=05/",
        "dt=2026-11-27/hh=06/",
        "dt=2026-11-27/hh=07/",
        "dt=2026-11-27/hh=08/",
    ]
    assert uris(open_prefixes(HOURLY, at=at("2026-11-27T08:00"), lateness=7_200, zone=""))[0] == "dt=2026-11-27/hh=06/"


def test_prefixes_of_days_and_months_follow_the_zone() -> None:
    daily = parse("s3://logs/{yyyy}/{mm}/{dd}/part-*.csv.gz")
    found = between(daily, start=at("2026-10-25T00:00"), end=at("2026-10-26T00:00"), zone=AMSTERDAM)
    assert [prefix.uri for prefix in found] == ["s3://logs/2026/10/25/part-", "s3://logs/2026/10/26/part-"]
    assert found[0].end - found[0].start == 25 * 3_600
    monthly = parse("s3://logs/{yyyy}-{mm}/*.csv")
    assert [p.uri for p in between(monthly, start=at("2026-01-31T00:00"), end=at("2026-03-01T00:00"), zone="")] == [
        "s3://logs/2026-01/",
        "s3://logs/2026-02/",
    ]


def test_the_hour_that_clocks_repeat_is_one_prefix_of_two_hours() -> None:
    found = between(HOURLY, start=at("2026-10-24T22:00"), end=at("2026-10-25T03:00"), zone=AMSTERDAM)
    assert uris(found) == [f"dt=2026-10-25/hh={hour:02d}/" for hour in range(4)]
    assert [prefix.end - prefix.start for prefix in found] == [3_600, 3_600, 7_200, 3_600]


def test_the_hour_that_clocks_skip_has_no_prefix() -> None:
    found = between(HOURLY, start=at("2026-03-29T00:00"), end=at("2026-03-29T02:00"), zone=AMSTERDAM)
    assert uris(found) == ["dt=2026-03-29/hh=01/", "dt=2026-03-29/hh=03/"]


@pytest.mark.parametrize(
    "zone", ["Australia/Lord_Howe", "Africa/Cairo", "America/St_Johns", "Asia/Kathmandu", "Asia/Beirut"]
)
def test_prefixes_of_a_year_follow_one_another_without_holes(zone: str) -> None:
    found = between(HOURLY, start=at("2026-01-01T00:00"), end=at("2027-01-01T00:00"), zone=zone)
    assert all(one.end == two.start for one, two in pairwise(found))
    assert len({prefix.uri for prefix in found}) == len(found)


@given(
    st.integers(at("2020-01-01T00:00"), at("2030-01-01T00:00")), st.sampled_from(["", AMSTERDAM, "Australia/Lord_Howe"])
)
def test_an_instant_lies_in_the_time_of_the_prefix_that_it_names(instant: int, zone: str) -> None:
    [prefix] = between(HOURLY, start=instant, end=instant + 1, zone=zone)
    assert prefix.start <= instant < prefix.end
    assert of_object(HOURLY, prefix.uri + "part-0.parquet", zone) == (prefix.start, prefix.end)


@pytest.mark.parametrize(
    "name",
    [
        "dt=2026-11-27/hh=05/part.json",
        "dt=2026-11-27/hh=05/_SUCCESS.parquet",
        "dt=2026-11-27/hh=05/.part.parquet",
        "dt=2026-11-27/hh=05/below/part.parquet",
        "dt=2026-11-27/hh=24/part.parquet",
        "dt=2026-02-30/hh=05/part.parquet",
        "dt=2026-11-2/hh=05/part.parquet",
        "dt=\uff12026-11-27/hh=05/part.parquet",
        "dt=2026-11-27/hh=05/part.parquet\n",
    ],
)
def test_other_names_do_not_match(name: str) -> None:
    assert of_object(HOURLY, f"gs://logs/ranker/{name}", "") is None


def test_a_glob_matches_names_in_any_folder_only_where_it_says_so() -> None:
    deep = parse("file:///srv/logs/**/*.jsonl")
    assert deep.matches("file:///srv/logs/a.jsonl")
    assert deep.matches("file:///srv/logs/x/y/a.jsonl")
    assert not deep.matches("file:///srv/logs/_temporary/a.jsonl")
    assert not parse("file:///srv/logs/*.jsonl").matches("file:///srv/logs/x/a.jsonl")
    assert parse("file:///srv/logs/a?.jsonl").matches("file:///srv/logs/ab.jsonl")
    assert between(deep, start=0, end=1, zone="")[0].uri == "file:///srv/logs/"


def test_a_date_that_is_named_twice_must_agree() -> None:
    twice = parse("gs://logs/{yyyy}/{mm}/{dd}/{yyyy}{mm}{dd}-*.csv")
    assert twice.matches("gs://logs/2026/11/27/20261127-a.csv")
    assert not twice.matches("gs://logs/2026/11/27/20261126-a.csv")


def test_signs_of_patterns_stand_for_themselves_in_names() -> None:
    odd = parse("gs://logs/a+b(c).d/*.csv")
    assert odd.matches("gs://logs/a+b(c).d/x.csv")
    assert not odd.matches("gs://logs/aab(c)xd/x.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Enter an address"),
        ("/srv/logs/*.csv", "Begin with gs://"),
        ("https://logs/x.csv", "Begin with gs://"),
        ("gs://logs", "which objects of the bucket"),
        ("gs://lo*gs/x.csv", "no name of a bucket"),
        ("gs://{yyyy}/{mm}/x.csv", "no name of a bucket"),
        ("s3://key:secret@logs/x.csv", "No name, password or option"),
        ("file://srv/logs/x.csv", "three slashes"),
        ("gs://logs/../other/x.csv", '".." and "."'),
        ("gs://logs/a//x.csv", "Two slashes"),
        ("gs://logs/a/", "ends in a folder"),
        ("gs://logs/a**/x.csv", "stands alone between slashes"),
        ("gs://logs/**/a/**/x.csv", "once"),
        ("gs://logs/{dd}/x.csv", "{dd} needs {mm}"),
        ("gs://logs/{yyyy}/{hh}/x.csv", "{hh} needs {dd}"),
        ("gs://logs/{yyyy}/x.csv", "a whole year"),
        ("gs://logs/{year}/x.csv", "{year} is not known"),
        ("gs://logs/{yyyy/x.csv", "stands alone"),
        ("gs://logs/*/{yyyy}/{mm}/x.csv", "Put the date first"),
        ("gs://logs/[ab].csv", "cannot"),
        ("gs://logs/a\u202eb.csv", "U+202E"),
        ("gs://logs/a\x00b.csv", "U+0000"),
        ("gs://logs/" + "a" * 2_000, "1,024"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_would_fit(text: str, said: str) -> None:
    with pytest.raises(LocationError, match=r".") as raised:
        parse(text)
    assert said in str(raised.value)


@given(st.text(max_size=60))
def test_any_text_is_a_template_or_is_refused_as_one(text: str) -> None:
    with suppress(LocationError):
        parse("gs://logs/" + text).stamp("gs://logs/" + text)


def test_a_range_beyond_reason_is_refused() -> None:
    with pytest.raises(TooMany, match="shorter"):
        between(HOURLY, start=at("2014-01-01T00:00"), end=at("2026-01-01T00:00"), zone="")


ROOTS = (
    Root("gs://logs/", "logs-reader"),
    Root("gs://logs/fraud/", "fraud-reader", frozenset({"fraud"})),
    Root("file:///srv/logs/", "disk", frozenset({"ranking"})),
)


def test_logs_below_a_root_of_the_team_may_be_read() -> None:
    assert refusal(HOURLY, "ranking", ROOTS) is None
    assert root_of(HOURLY, "ranking", ROOTS) == ROOTS[0]
    assert root_of(parse("gs://logs/fraud/x.csv"), "fraud", ROOTS) == ROOTS[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gs://logs/fraud/{yyyy}/{mm}/*.csv", "belongs to another team"),
        ("gs://logs/fraud/x.csv", "belongs to another team"),
        ("gs://logs/**/*.csv", "a prefix of another team"),
        ("gs://logs/f*/x.csv", "a prefix of another team"),
        ("gs://logs/f{yyyy}{mm}/x.csv", "a prefix of another team"),
        ("gs://logs-2/x.csv", "outside of what your team may read"),
        ("file:///srv/logs-2/x.csv", "outside of what your team may read"),
        ("s3://logs/x.csv", "No root for S3"),
    ],
)
def test_a_place_that_is_not_the_teams_is_refused_with_the_way_out(text: str, said: str) -> None:
    assert said in (refusal(parse(text), "ranking", ROOTS) or "")
    assert "fraud-reader" not in (refusal(parse(text), "ranking", ROOTS) or "")


def test_a_root_of_all_teams_inside_does_not_open_the_other_teams_prefix() -> None:
    inner = (*ROOTS, Root("gs://logs/fraud/shared/", "shared"))
    assert refusal(parse("gs://logs/fraud/shared/x.csv"), "ranking", inner) is None
    assert "another team" in (refusal(parse("gs://logs/fraud/x.csv"), "ranking", inner) or "")


def test_a_link_out_of_a_root_is_refused() -> None:
    assert left_root("/srv/logs/a/b.csv", ROOTS[2]) is None
    assert "leads out of file:///srv/logs/" in (left_root("/srv/logs-2/b.csv", ROOTS[2]) or "")
    assert left_root("/etc/passwd", ROOTS[2])


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("gs://logs", 'End with "/"'),
        ("gs://lo*gs/", "fixed beginning"),
        ("http://logs/", "Begin with"),
        ("file:///", "more than logs"),
        ("file:///etc/logs/", "more than logs"),
        ("file:///srv/../etc/", "double slashes"),
        ("gs:///", "bucket"),
    ],
)
def test_what_cannot_be_a_root_is_refused(uri: str, said: str) -> None:
    assert said in (root_problem(uri) or "")


@pytest.mark.parametrize("uri", ["gs://logs/", "s3://logs/a/b/", "file:///srv/logs/"])
def test_a_fixed_beginning_is_a_root(uri: str) -> None:
    assert root_problem(uri) is None


def test_a_hostile_address_and_name_are_compared_in_a_moment() -> None:
    hostile = parse("gs://logs/" + "*a" * 400 + "b")
    assert not hostile.matches("gs://logs/" + "a" * 20_000)

"""What others' annotations and objects are taken for, and our schedules as annotations that both read alike."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from deployments.domain.sleep.dialects import instants, kube_green, mirror, weeks
from deployments.domain.sleep.dialects.annotations import REPLICAS_KEY, Proposal, understand
from deployments.domain.sleep.dialects.match import matches
from deployments.domain.sleep.dialects.spans import Defaults, Dialect
from deployments.domain.sleep.schedule.windows import Schedule, Window, covering

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
NONE = Defaults()
BERLIN = "Europe/Berlin"


def taken(dialect: str, defaults: Defaults = NONE, **annotations: object) -> Proposal:
    named = {f"downscaler/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return understand(named, Dialect(dialect), defaults, at=AT)


def texts(found: Proposal) -> list[str] | None:
    return None if found.windows is None else [window.text for window in found.windows]


@pytest.mark.parametrize("dialect", ["py", "go"])
def test_an_uptime_becomes_the_windows_outside_it(dialect: str) -> None:
    found = taken(dialect, uptime="Mon-Fri 07:30-20:00 Europe/Berlin")
    assert texts(found) == [
        "Mon 20:00 -> Tue 07:30",
        "Tue 20:00 -> Wed 07:30",
        "Wed 20:00 -> Thu 07:30",
        "Thu 20:00 -> Fri 07:30",
        "Fri 20:00 -> Mon 07:30",
    ]
    assert (found.zone, found.is_complete) == (BERLIN, True)


@pytest.mark.parametrize(
    ("dialect", "annotations", "windows"),
    [
        ("py", {"downtime": "Sat-Sun 00:00-24:00 UTC"}, ["Sat 00:00 -> Mon 00:00"]),
        ("py", {"downtime": "Fri-Fri 20:00-24:00 UTC, Sat-Sun 00:00-24:00 UTC"}, ["Fri 20:00 -> Mon 00:00"]),
        ("go", {"downtime": "Fri-Fri 20:00-08:00 UTC"}, ["Fri 00:00 -> Fri 08:00", "Fri 20:00 -> Sat 00:00"]),
        ("go", {"downtime": "mon-sun 00:00-24:00 UTC"}, ["Mon 00:00 -> Sun 24:00"]),
        ("py", {"uptime": "always", "downtime": "never"}, []),
        ("py", {"uptime": "never"}, ["Mon 00:00 -> Sun 24:00"]),
        (
            "py",
            {"uptime": "Mon-Fri 08:00-20:00 UTC", "downtime": "Mon-Mon 08:00-09:00 UTC"},
            [
                "Mon 20:00 -> Tue 08:00",
                "Tue 20:00 -> Wed 08:00",
                "Wed 20:00 -> Thu 08:00",
                "Thu 20:00 -> Fri 08:00",
                "Fri 20:00 -> Mon 09:00",
            ],
        ),
    ],
)
def test_weekly_spans_become_windows(dialect: str, annotations: dict[str, str], windows: list[str]) -> None:
    assert texts(taken(dialect, **annotations)) == windows


def test_defaults_of_the_program_fill_what_a_span_leaves_out() -> None:
    defaults = Defaults(zone="UTC", weekframe="Sat-Sun")
    for dialect in ("py", "go"):
        assert texts(taken(dialect, defaults, downtime="01:00-02:00")) == [
            "Sat 01:00 -> Sat 02:00",
            "Sun 01:00 -> Sun 02:00",
        ]


def test_a_span_between_instants_becomes_a_range_with_the_end_as_the_program_has_it() -> None:
    span = "2026-12-24T00:00:00+01:00-2026-12-27T00:00:00+01:00"
    py, go = taken("py", downtime=span), taken("go", downtime=span)
    assert py.ranges[0].span.end - go.ranges[0].span.end == timedelta(microseconds=1)
    assert go.ranges[0].span.hours == 72


def test_other_annotations_are_taken_where_they_have_a_counterpart() -> None:
    found = taken(
        "py", downtime_replicas="1", original_replicas="10", grace_period="900", exclude_until="2026-11-30 06:30"
    )
    assert (found.target, found.saved_replicas, found.grace_seconds) == (1, 10, 900)
    assert found.awake_until == datetime(2026, 11, 30, 6, 30, tzinfo=UTC)
    assert (found.is_complete, found.windows) == (True, None)
    assert taken("go", grace_period="1h15m").grace_seconds == 4500


@pytest.mark.parametrize(
    ("dialect", "annotations", "reason"),
    [
        ("py", {"uptime": "Mon-Fri 20:00-08:00 UTC"}, "never matches"),
        ("go", {"uptime": "Mon-Fri 08:00-08:00 UTC"}, "never matches"),
        ("py", {"uptime": "Mon-Fri 08:00-20:00 UTC,garbage"}, "fails on it"),
        ("go", {"uptime": "Mon-Fri 08:00-20:00 utc"}, "unknown time zone"),
        ("go", {"uptime": "08:00-20:00"}, "no default"),
        ("py", {"uptime": 1170}, "quote it"),
        ("py", {"downtime": "Mon-Fri 08:00-20:00 UTC,Mon-Fri 08:00-20:00 Europe/Berlin"}, "has one"),
        ("go", {"downtime": "from 2026-12-24T00:00:00Z"}, "without a beginning or an end"),
        ("go", {"downtime": "2026-12-24T00:00:00Z-2026-12-23T00:00:00Z"}, "ends before"),
        ("py", {"uptime": "2026-12-24T00:00:00+00:00-2026-12-25T00:00:00+00:00"}, "all other times"),
        ("py", {"downscale_replicas": "1"}, "downtime-replicas"),
        ("go", {"downtime_replicas": "1"}, "downscale-replicas"),
        ("py", {"downtime_replicas": "50%"}, "not a number"),
        ("py", {"original_replicas": "-1"}, "not a number"),
        ("py", {"exclude": "true"}, "for ever"),
        ("py", {"exclude": "False"}, "nothing to import"),
        ("py", {"exclude_until": "2026-11-30T06:30:00+01:00"}, "goes on to scale down"),
        ("go", {"exclude_until": "2026-11-30"}, "RFC 3339"),
        ("go", {"force_uptime": "true"}, "without an end"),
        ("py", {"upscale_period": "Mon-Fri 08:00-09:00 UTC"}, "edges only"),
        ("py", {"grace_period": "15m"}, "number of seconds"),
        ("go", {"grace_period": ""}, "number of seconds"),
        ("py", {"up-time": "always"}, "does not know"),
    ],
)
def test_what_cannot_be_taken_is_named_with_the_reason(
    dialect: str, annotations: dict[str, object], reason: str
) -> None:
    found = taken(dialect, **annotations)
    assert [one.is_used for one in found.read] == [False]
    assert reason in found.read[0].words
    assert found.windows is None


def test_uptime_and_downtime_on_one_object_are_refused_by_go() -> None:
    found = taken("go", uptime="always", downtime="never")
    assert [one.is_used for one in found.read] == [False, False]
    assert found.windows is None


def test_other_annotations_of_the_object_are_left_alone() -> None:
    assert understand({"kubectl.kubernetes.io/restartedAt": "x"}, Dialect.PY, NONE, at=AT).read == ()


def drawn(chance: random.Random) -> Schedule:
    made = []
    for _ in range(chance.randrange(1, 5)):
        start, length = chance.randrange(10080), chance.randrange(1, 6000)
        end = (start + length) % 10080
        made.append(
            Window(start_day=start // 1440, start_minute=start % 1440, end_day=end // 1440, end_minute=end % 1440)
        )
    zone = chance.choice(["UTC", BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
    return Schedule(key="s", version=1, name="S", zone=zone, windows=tuple(made), target=chance.randrange(2))


@pytest.mark.parametrize("seed", range(20))
def test_mirrored_windows_are_the_same_for_both_programs_and_for_us(seed: int) -> None:
    """In a week without a change of clocks; the import of the mirror gives the schedule back."""
    chance = random.Random(seed)
    made = drawn(chance)
    found = mirror.render(made)
    for _ in range(150):
        at = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=chance.randrange(10080))
        answers = {matches(one, found["downscaler/downtime"], instants.of(at), NONE) for one in Dialect}
        assert answers == {covering(made, at) is not None}
    for dialect in Dialect:
        again = understand(found, dialect, NONE, at=AT)
        assert (again.windows, again.zone, again.target) == (
            weeks.windows_of(made.minutes_of_week()),
            made.zone,
            made.target,
        )
        foreign = [REPLICAS_KEY[other] for other in Dialect if other is not dialect]
        assert [one.key for one in again.read if not one.is_used] == foreign


def test_a_weekend_is_mirrored_without_a_reversed_range() -> None:
    made = Schedule(key="s", version=1, name="S", zone=BERLIN, windows=(Window.parse("Fri 20:00 -> Mon 07:30"),))
    assert mirror.render(made, awake_until=datetime(2026, 11, 30, 6, 30, tzinfo=UTC)) == {
        "downscaler/downtime": ",".join(
            f"{part} Europe/Berlin" for part in ("Mon-Mon 00:00-07:30", "Fri-Fri 20:00-24:00", "Sat-Sun 00:00-24:00")
        ),
        "downscaler/downtime-replicas": "0",
        "downscaler/downscale-replicas": "0",
        "downscaler/exclude-until": "2026-11-30T06:30:00Z",
    }


@pytest.mark.parametrize("zone", ["America/Port-au-Prince", "Etc/GMT+5"])
def test_a_zone_that_one_program_cannot_read_is_not_mirrored(zone: str) -> None:
    with pytest.raises(mirror.NotMirrored, match="cannot read"):
        mirror.render(Schedule(key="s", version=1, name="S", zone=zone))


def info(**spec: object) -> kube_green.SleepInfo:
    base = {"weekdays": "1-5", "sleepAt": "20:00", "wakeUpAt": "08:00", "timeZone": "Europe/Rome"}
    return kube_green.understand({"metadata": {"name": "nights"}, "spec": {**base, **spec}})


def test_a_sleep_info_of_weekdays_sleeps_over_the_weekend() -> None:
    found = info()
    assert [window.text for window in found.windows] == [
        "Mon 20:00 -> Tue 08:00",
        "Tue 20:00 -> Wed 08:00",
        "Wed 20:00 -> Thu 08:00",
        "Thu 20:00 -> Fri 08:00",
        "Fri 20:00 -> Mon 08:00",
    ]
    assert (found.zone, found.name, all(one.is_used for one in found.read)) == ("Europe/Rome", "nights", True)


@pytest.mark.parametrize(
    ("weekdays", "count"), [("*", 7), ("MON-FRI", 5), ("6,0", 2), ("0-7", 7), ("5-7", 3), ("SUN", 1), ("7", 1), (3, 1)]
)
def test_days_of_the_week_of_cron(weekdays: object, count: int) -> None:
    assert len(info(weekdays=weekdays, sleepAt="01:00", wakeUpAt="02:00").windows) == count


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"sleepAt": 1200}, "quote it"),
        ({"sleepAt": "*/2:00"}, "not HH:MM"),
        ({"sleepAt": "25:00"}, "not HH:MM"),
        ({"weekdays": "FRI-MON"}, "ends before"),
        ({"weekdays": "MOO"}, "not a day"),
        ({"weekdays": None}, "not days"),
        ({"timeZone": "Europe/rome"}, "Europe/Rome"),
    ],
)
def test_a_sleep_info_that_cannot_be_taken_says_why(spec: dict[str, object], reason: str) -> None:
    found = info(**spec)
    assert found.windows is None
    assert any(reason in one.words for one in found.read if not one.is_used)


def test_a_sleep_info_without_a_wake_and_with_other_kinds_says_so() -> None:
    manifest = {"spec": {"weekdays": "1-5", "sleepAt": "20:00", "suspendCronJobs": True, "excludeRef": []}}
    found = kube_green.understand(manifest)
    assert found.windows is None
    assert [one.key for one in found.read if not one.is_used] == ["wakeUpAt", "excludeRef", "suspendCronJobs"]
    assert kube_green.understand({"spec": None}).windows is None

"""What pods used in the last days, thinned in the database to what a small chart can show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import DateTimeField, F, Func, Max, Value

from deployments.domain.hints.sparkline import Point, Sparkline, shared_top, sparkline
from deployments.domain.spec.parts import Resources
from deployments.domain.text.quantities import human_cpu, human_memory
from deployments.models import Deployment, UsageSample

KEPT_FOR = timedelta(days=7)
# How much is shown and the width of its slots: the shortest that holds all samples.
WINDOWS = (
    ("3 h", timedelta(hours=3), timedelta(minutes=5)),
    ("24 h", timedelta(hours=24), timedelta(minutes=10)),
    ("3 d", timedelta(days=3), timedelta(minutes=30)),
    ("7 d", KEPT_FOR, timedelta(hours=1)),
)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One kind of use. `words` says what the picture shows, for those who do not see it."""

    name: str
    now: str
    peak: str
    reserved: str
    drawn: Sparkline
    words: str


@dataclass(frozen=True, kw_only=True)
class History:
    """`window` is how far back the charts go; `newest_at` and `pods` tell the newest sample's time and pods."""

    window: str
    step_minutes: int
    newest_at: datetime
    pods: int
    charts: tuple[Chart, ...]


def history_of(deployment: Deployment, resources: Resources | None, *, at: datetime) -> History | None:
    """None while there are no samples. `resources`: what one pod of the current revision reserves."""
    rows = UsageSample.objects.filter(deployment=deployment, at__gt=at - KEPT_FOR)
    oldest, newest = rows.order_by("at").first(), rows.order_by("-at").first()
    if oldest is None or newest is None:
        return None
    window, span, step = next((item for item in WINDOWS if at - oldest.at <= item[1]), WINDOWS[-1])
    slot = Func(Value(step), F("at"), Value(at - span), function="date_bin", output_field=DateTimeField())
    found = list(
        rows.filter(at__gt=at - span)
        .order_by()
        .values_list(slot)
        .annotate(Max("cpu_m"), Max("memory"), Max("pods"))
        .order_by(slot)
    )
    each_cpu, each_memory = (resources.cpu_request, resources.memory_request) if resources else (0, 0)
    cpu = [Point(begins, used, pods * each_cpu) for begins, used, _, pods in found]
    memory = [Point(begins, used, pods * each_memory) for begins, _, used, pods in found]

    def draw(points: list[Point]) -> Sparkline:
        return sparkline(points, start=at - span, end=at, step=step, top=shared_top([points]))

    return History(
        window=window,
        step_minutes=int(step.total_seconds() // 60),
        newest_at=newest.at,
        pods=newest.pods,
        charts=(
            _chart("CPU", cpu, draw(cpu), human_cpu, (newest.cpu_m, newest.pods * each_cpu), window),
            _chart("Memory", memory, draw(memory), human_memory, (newest.memory, newest.pods * each_memory), window),
        ),
    )


def _chart(
    name: str,
    points: list[Point],
    drawn: Sparkline,
    human: Callable[[int], str],
    newest: tuple[int, int],
    window: str,
) -> Chart:
    used, reserved = newest
    peak = human(max((point.used for point in points), default=used))
    against = f", reserved: {human(reserved)}" if reserved else ""
    return Chart(
        name=name,
        now=human(used),
        peak=peak,
        reserved=human(reserved) if reserved else "",
        drawn=drawn,
        words=f"{name} in the last {window}: highest {peak}, newest {human(used)}{against}",
    )

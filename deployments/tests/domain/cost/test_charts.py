"""Charts of money: nothing leaves the box, bars stand on each other, and what is unknown is not drawn as nothing."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.cost.charts import Bar, Mark, ceiling, climb, spark, stacked

MONEY = st.decimals(0, 10**7, places=2, allow_nan=False, allow_infinity=False)


def bar(*values: str, unknown: bool = False) -> Bar:
    return Bar(label="1 Nov", title="t", values=tuple(Decimal(value) for value in values), is_unknown=unknown)


@given(MONEY)
def test_a_scale_ends_at_a_round_number_above_all_of_it(highest: Decimal) -> None:
    end, step = ceiling(highest)
    assert end >= highest
    assert end % step == 0
    assert 1 <= end / step <= 4


@given(st.lists(st.tuples(MONEY, MONEY, MONEY), min_size=1, max_size=31))
def test_bars_stay_in_the_box_and_on_the_ground(values: list[tuple[Decimal, Decimal, Decimal]]) -> None:
    chart = stacked([Bar(label="", title="", values=item) for item in values])
    for rect in chart.rects:
        assert 33 <= float(rect.y) <= float(chart.ground)
        assert float(rect.y) + float(rect.height) <= float(chart.ground) + 0.5
        assert float(chart.left) <= float(rect.x)
        assert float(rect.x) + float(rect.width) <= float(chart.right) + 0.1


def test_parts_stand_on_each_other_from_gpu_up() -> None:
    gpu, cpu, memory = stacked([bar("2", "1", "1")]).rects
    assert (gpu.css, cpu.css, memory.css) == ("r-gpu", "r-cpu", "r-memory")
    assert float(gpu.y) > float(cpu.y) > float(memory.y)


def test_what_has_no_price_is_a_stub_and_no_gap() -> None:
    chart = stacked([bar("0", "0", "0", unknown=True), bar("0", "0", "0")])
    assert (len(chart.rects), len(chart.unknown)) == (0, 1)


def test_words_of_marks_do_not_lie_on_each_other() -> None:
    marks = [Mark(bar=0, share=share, text="revision 12", title="t") for share in (0.1, 0.2)]
    first, second = stacked([bar("1", "0", "0")] * 30, marks).marks
    assert (first.text, second.text, second.title) == ("revision 12", "", "t")


def test_no_bars_are_no_error() -> None:
    assert stacked([]).rects == ()


def test_a_month_adds_up_to_its_forecast_at_its_last_day() -> None:
    chart = climb([Decimal(1)] * 10, [Decimal(2)] * 31, Decimal(30), length=30)
    assert chart.line.count("L") == 10
    assert chart.ahead.startswith(f"M{chart.at.x} {chart.at.y}L")
    assert climb([Decimal(1)], [], None, length=30).ahead == ""


def test_a_line_breaks_where_a_day_is_unknown() -> None:
    assert spark([Decimal(1), None, Decimal(2), Decimal(3)]).count("M") == 2
    assert spark([Decimal(1), None]) == ""
    assert "nan" not in spark([Decimal(0), Decimal(0)])

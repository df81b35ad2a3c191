"""Budgets: months, forecasts that hide nothing, and when a change needs a maintainer's reason."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.budgets import Basis, Effect, Forecast, Level, Limits, Share, forecast, month_of

AT = datetime(2026, 11, 19, 12, tzinfo=UTC)
MONEY = st.decimals(min_value=0, max_value=10**6, places=2)


def usd(value: str | int | Decimal) -> Amount:
    return Amount.known(Decimal(value), "USD")


def share(spent: str | int, rest: str | int, most: str | int | None = None) -> Share:
    return Share(spent=usd(spent), usual=usd(rest), most=usd(rest if most is None else most))


def heading(value: str | int | Decimal) -> Forecast:
    return forecast([Share(spent=usd(0), usual=usd(value), most=usd(value))], currency="USD", at=AT)


def effect(before: str | int, after: str | int, **fields: object) -> Effect:
    limits = {"soft": Decimal(100), "hard": Decimal(200)}
    limits |= {name: fields.pop(name) for name in ("soft", "hard") if name in fields}  # type: ignore[misc]
    return Effect(
        key=1,
        name="team Vision",
        limits=Limits(currency="USD", **limits),
        before=heading(before),
        after=heading(after),
        **fields,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("at", "first", "next_first"),
    [
        ("2026-11-01T00:00:00+00:00", "2026-11-01", "2026-12-01"),
        ("2026-12-31T23:59:59.999999+00:00", "2026-12-01", "2027-01-01"),
        ("2027-01-01T00:30:00+01:00", "2026-12-01", "2027-01-01"),
        ("2028-02-29T12:00:00+00:00", "2028-02-01", "2028-03-01"),
    ],
)
def test_a_month_is_the_calendars_in_utc(at: str, first: str, next_first: str) -> None:
    start, end = month_of(datetime.fromisoformat(at))
    assert (f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}") == (first, next_first)
    assert start <= datetime.fromisoformat(at) < end


def test_a_forecast_is_spent_so_far_plus_the_rest() -> None:
    found = forecast([share("7538.00", "4584.00", "9000"), share(0, 0)], currency="USD", at=AT)
    assert (found.value, found.at_most, found.count) == (Decimal("12122.00"), Decimal("16538.00"), 2)
    assert found.formula == (
        "7,538.00 USD so far (estimate) + 4,584.00 USD in the 276 h to the end of the month (estimate) = 12,122.00 USD"
    )


def test_unknown_and_other_currencies_are_beside_the_sum() -> None:
    nobody = Amount.unknown("no price list")
    euro = Amount.known(Decimal(5), "EUR")
    shares = [
        share(1, 2),
        Share(spent=usd(3), usual=nobody, most=nobody),
        Share(spent=euro, usual=euro, most=euro),
    ]
    found = forecast(shares, currency="USD", at=AT)
    assert found.words == "6.00 USD + 2 unknown"
    assert found.reasons == ("no price list", "EUR is not added to USD")


def test_the_known_part_of_an_unknown_share_counts() -> None:
    found = forecast([Share(spent=Amount.unknown("no list"), usual=usd(5), most=usd(6))], currency="USD", at=AT)
    assert (found.words, found.at_most) == ("5.00 USD + 1 unknown", Decimal(6))


def test_nothing_spent_has_no_currency_of_its_own() -> None:
    zero = Amount.known(Decimal(0), "")
    assert forecast([Share(spent=zero, usual=usd(2), most=usd(2))], currency="USD", at=AT).words == "2.00 USD"


@pytest.mark.parametrize("limits", [{}, {"soft": "-1"}, {"hard": "NaN"}, {"soft": "2", "hard": "1"}, {"hard": "1e12"}])
def test_limits_that_make_no_sense_are_refused(limits: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="limit"):
        Limits(currency="USD", **{name: Decimal(value) for name, value in limits.items()})


def test_a_limit_is_crossed_by_more_than_it() -> None:
    limits = Limits(currency="USD", soft=Decimal(100), hard=Decimal(200))
    levels = [limits.level(Decimal(value)) for value in ("100", "100.01", "200", "200.01")]
    assert levels == [Level.WITHIN, Level.SOFT, Level.SOFT, Level.HARD]


@pytest.mark.parametrize(
    ("changed", "needs"),
    [
        (effect(50, 150), False),  # soft only
        (effect(50, 201), True),
        (effect(250, 251), True),
        (effect(251, 251), False),  # exceeded already, no worse
        (effect(300, 250), False),
        (effect(50, 201, is_return=True), False),
        (effect(50, 50, is_unknown=True), True),
        (effect(50, 20, is_unknown=True), True),  # what is unknown drops out of the sum
        (effect(50, 20, is_unknown=True, is_return=True), False),
        (effect(50, 999, hard=None), False),
        (effect(50, 999, hard=None, is_unknown=True), False),
        (effect(0, "0.01", soft=None, hard=Decimal(0)), True),
        (effect(0, 0, soft=None, hard=Decimal(0)), False),
    ],
)
def test_what_needs_a_reason(changed: Effect, needs: bool) -> None:
    assert changed.needs_reason is needs


@given(MONEY, MONEY, st.booleans(), st.booleans())
def test_an_effect_is_read_back_as_it_was(before: Decimal, after: Decimal, unknown: bool, is_return: bool) -> None:
    kept = effect(before, after, is_unknown=unknown, is_return=is_return, told=("ada",), reason="load test")  # type: ignore[arg-type]
    assert Effect.from_json(kept.to_json()) == kept


def test_sums_over_all_teams_stay_out_of_the_log_that_a_team_reads() -> None:
    facts = effect(50, 201, is_shared=True).to_facts()
    assert facts["level"] == "hard"
    assert not {"before", "after"} & facts.keys()
    assert "after" in effect(50, 201).to_facts()


def test_what_was_measured_and_what_was_estimated_stay_apart() -> None:
    seen = Share(spent=usd(120), usual=usd(9), most=usd(9), measured=Decimal(118))
    found = forecast([seen, share(5, 0)], currency="USD", at=AT)
    assert (found.measured, found.estimated) == (Decimal(118), Decimal(7))
    assert found.spent_words == "125.00 USD so far (118.00 measured, 7.00 estimate)"
    assert found.formula.startswith("118.00 USD so far (measured) + 7.00 USD so far (estimate) + 9.00 USD in the 276 h")


def test_measured_to_be_nothing_is_measured() -> None:
    asleep = Share(spent=usd(0), usual=usd(9), most=usd(9), measured=Decimal(0))
    assert forecast([asleep], currency="USD", at=AT).spent_words == "0.00 USD so far (measured)"
    assert forecast([share(0, 9)], currency="USD", at=AT).spent_words == "0.00 USD so far (estimate)"


def test_measured_time_without_a_price_is_counted_beside_the_sum() -> None:
    partly = Share(spent=usd(3), usual=usd(2), most=usd(2), measured=Decimal(3), unpriced="a Spot node")
    found = forecast([partly], currency="USD", at=AT)
    assert (found.spent, found.unknown, found.reasons) == (Decimal(3), 1, ("a Spot node",))


def test_a_forecast_is_read_as_it_was_kept_also_before_anything_was_measured() -> None:
    seen = Share(spent=usd(120), usual=usd(9), most=usd(9), measured=Decimal(118))
    found = forecast([seen], currency="USD", at=AT)
    assert Forecast.from_json(found.to_json(), "USD") == found
    old = {name: value for name, value in found.to_json().items() if name != "measured"} | {"basis": "estimate"}
    assert Forecast.from_json(old, "USD").bases == ((Basis.ESTIMATE, Decimal(120)),)

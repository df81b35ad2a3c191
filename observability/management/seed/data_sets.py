"""Public data sets out of wheels, as tables of what a model was asked and what it answered. Outcomes are left out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from observability.management.seed.incidents import (
    Incident,
    as_text,
    late,
    nulls,
    plus,
    renamed,
    stuck,
    times,
    twice,
)
from observability.management.seed.replaying import Layout, json_lines, parquet

DAYS: Final = 30
HOURLY: Final = "dt={yyyy}-{mm}-{dd}/hh={hh}/*.parquet"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One log of the demo: whose it is, how it is laid out, and where its rows come from.

    `days` is how long one pass over the rows lasts. `sensitive`: columns marked besides those that are proposed.
    `credit` names the data and its licence.
    """

    model: str
    environment: str
    package: str
    layout: Layout
    read: Callable[[zipfile.ZipFile], pa.Table]
    prefix: str
    window: str = "hour"
    lateness_s: int = 3_600
    days: int = DAYS
    incidents: tuple[Incident, ...] = ()
    sensitive: tuple[str, ...] = ()
    credit: str = ""


def wheel_of(folder: Path, package: str) -> Path | None:
    """The newest wheel of the package; None where there is none."""
    return max(folder.glob(f"{package}-*.whl"), default=None)


def _employment(wheel: zipfile.ZipFile) -> pa.Table:
    parts = []
    for version, name in (("28", "reference"), ("29", "analysis")):
        table = pq.read_table(io.BytesIO(wheel.read(f"nannyml/datasets/data/employment_MA_{name}.pq")))
        table = _without(_mixed(table, "year"), {"id", "employed", "year"}).combine_chunks()
        plain = [
            column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in table.columns
        ]
        parts.append(_versioned(pa.table(plain, names=table.column_names), version))
    return pa.concat_tables(parts)


def _car_loans(wheel: zipfile.ZipFile) -> pa.Table:
    parts = []
    for version, name in (("300", "reference"), ("301", "dq_analysis")):
        table = _csv(wheel, f"nannyml/datasets/data/synthetic_car_loan_{name}.csv")
        parts.append(_versioned(_without(table, {"id", "repaid", "timestamp"}), version))
    return pa.concat_tables(parts)


def _open_bandit(wheel: zipfile.ZipFile) -> pa.Table:
    """The two policies side by side, by the time of the original."""
    parts = []
    for policy in ("bts", "random"):
        for campaign in ("all", "men", "women"):
            table = _csv(wheel, f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv")
            kept = [name for name in table.column_names if name in _BANDIT]
            table = table.select(kept).append_column("campaign", pa.array([campaign] * table.num_rows))
            parts.append(_versioned(table, policy))
    return _without(pa.concat_tables(parts).sort_by("timestamp"), {"timestamp"})


_BANDIT: Final = frozenset(
    ["timestamp", "item_id", "position", "propensity_score", *(f"user_feature_{n}" for n in range(4))]
)


def _mixed(table: pa.Table, by: str) -> pa.Table:
    """Rows of one year in no order: the original lists homes before dormitories, which would look like a change."""
    order = pa.array(np.random.default_rng(0).random(table.num_rows))
    return table.append_column("_order", order).sort_by([(by, "ascending"), ("_order", "ascending")]).drop(["_order"])


def _csv(wheel: zipfile.ZipFile, name: str) -> pa.Table:
    options = pc.ConvertOptions(strings_can_be_null=True)
    return pc.read_csv(io.BytesIO(wheel.read(name)), convert_options=options)


def _without(table: pa.Table, names: set[str]) -> pa.Table:
    return table.select([name for name in table.column_names if name not in names])


def _versioned(table: pa.Table, version: str) -> pa.Table:
    return table.append_column("model_version", pa.array([version] * table.num_rows))


PLANS: Final = (
    Plan(
        model="listing-policy",
        environment="prod",
        package="nannyml",
        layout=Layout(template=HOURLY, step=timedelta(hours=1), write=parquet),
        read=_employment,
        prefix="lp",
        incidents=(
            Incident(
                day=12,
                hour=6,
                hours=18,
                kind="upstream",
                title="applicants 2.4 sends ages in months",
                change=times("AGEP", 12.0),
            ),
            Incident(
                day=16,
                hours=24,
                kind="incident",
                title="education lookup answers from its cache",
                change=stuck("SCHL", "21"),
            ),
            Incident(
                day=19,
                hour=14,
                hours=1,
                kind="incident",
                title="log shipper restarts, an hour behind",
                change=late(timedelta(hours=1)),
            ),
            Incident(day=22, hour=6, hours=6, kind="incident", title="queue delivers six hours again", change=twice()),
            Incident(
                day=25,
                hours=24,
                kind="upstream",
                title="applicants 2.6 spells out 'never married'",
                change=renamed("MAR", "5", "never"),
            ),
        ),
        sensitive=("AGEP", "SEX", "RAC1P"),
        credit="American Community Survey, Massachusetts, 2015 to 2018, with predictions by NannyML (Apache-2.0)",
    ),
    Plan(
        model="home-feed-ranker",
        environment="prod",
        package="obp",
        layout=Layout(template="{yyyy}/{mm}/{dd}/{hh}-*.jsonl.gz", step=timedelta(hours=1), write=json_lines),
        read=_open_bandit,
        prefix="hf",
        window="day",
        lateness_s=2 * 3_600,
        days=15,
        incidents=(
            Incident(
                day=26,
                hours=None,
                kind="experiment",
                title="policy 'random' gets a logger of its own",
                change=plus("position", -1, version="random"),
            ),
        ),
        credit="Open Bandit Dataset by ZOZO, CC BY 4.0: two policies as two versions",
    ),
    Plan(
        model="ads-ctr",
        environment="prod",
        package="nannyml",
        layout=Layout(template="{yyyy}-{mm}-{dd}/*.parquet", step=timedelta(days=1), write=parquet),
        read=_car_loans,
        prefix="ad",
        incidents=(
            Incident(
                day=17,
                hours=24,
                kind="upstream",
                title="debts move to another table",
                change=nulls("debt_to_income_ratio", 0.4),
            ),
            Incident(
                day=20,
                hours=24,
                kind="upstream",
                title="terms exported with their unit",
                change=as_text("loan_length", " months"),
            ),
        ),
        window="day",
        lateness_s=6 * 3_600,
        credit="Synthetic car loans with missing and unseen values, by NannyML, Apache-2.0",
    ),
)

"""The demo's price list. These are not anybody's prices: the name says so wherever one of them is used."""

from __future__ import annotations

from datetime import timedelta

from deployments.actions import prices
from deployments.audit import Actor
from deployments.domain.cost.own_list import COLUMNS, read_csv
from deployments.models import Cluster, PriceVersion

NAME = "demo prices"
CURRENCY = "USD"
SINCE = timedelta(days=70)
LINES = (
    "cpu,,,0.031611",
    "memory,,,0.004237",
    "cpu,e2-standard,,0.021811",
    "memory,e2-standard,,0.002923",
    "cpu,e2-highmem,,0.021811",
    "memory,e2-highmem,,0.002923",
    "cpu,g2-l4,,0.024988",
    "memory,g2-l4,,0.002927",
    "gpu,g2-l4,nvidia-l4,0.560040",
    # The machines of the nodes. A node's price is that of all it has, whoever asks for it.
    "cpu,e2-standard-16,,0.021811",
    "memory,e2-standard-16,,0.002923",
    "cpu,spot:e2-standard-16,,0.006543",
    "memory,spot:e2-standard-16,,0.000877",
    "cpu,g2-standard-48,,0.024988",
    "memory,g2-standard-48,,0.002927",
    "gpu,g2-standard-48,nvidia-l4,0.560040",
    "cpu,spot:g2-standard-48,,0.009996",
    "memory,spot:g2-standard-48,,0.001171",
    # No price for A100, and none for a Spot L4, on purpose: the pages show what is unknown, and why.
)


def seed(cluster: Cluster, *, by: Actor, note: str) -> None:
    """One version, unless the cluster has a list. Its prices count from before the days that the demo makes up."""
    if PriceVersion.objects.filter(cluster=cluster).exists():
        return
    lines = read_csv("\n".join((",".join(COLUMNS), *LINES)), currency=CURRENCY)
    version = PriceVersion(
        cluster=cluster,
        name=NAME,
        source=PriceVersion.Source.DEMO,
        currency=CURRENCY,
        lines=[line.to_json() for line in lines],
    )
    version.effective_at = version.made_at - SINCE
    prices.publish(version=version, by=by, note=note)

"""By which spec versions an object is counted."""

from __future__ import annotations

from observability.engines.counting import Order
from observability.ingest import land
from observability.ingest.access import order_of
from observability.ingest.claims import Lost
from observability.models import SourceObject, SourceSpec


def orders_of(row: SourceObject) -> list[Order]:
    """The wanted version first, then those whose closed windows count the object too. Raises Lost without one."""
    wanted = row.spec or row.source.spec
    if wanted is None:
        raise Lost
    others = SourceSpec.objects.filter(pk__in=land.parts_in_base(row)).exclude(pk=wanted.pk)
    return [order_of(spec) for spec in (wanted, *others.order_by("number"))]

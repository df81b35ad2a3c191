"""Price lists in the admin: typed or from a file, audited line by line, never changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from deployments.models import AuditEvent, Cluster, PriceVersion
from deployments.tests import factories

pytestmark = pytest.mark.django_db
ADD = "admin:deployments_priceversion_add"
CSV = "component,price_class,gpu,per_hour\ncpu,,,0.03\nmemory,,,0.005\n"


def posted(client: Client, cluster: Cluster, **fields: object) -> Any:
    data = {
        "cluster": cluster.pk,
        "name": "On-premises",
        "currency": "usd",
        "effective_at_0": "2026-11-01",
        "effective_at_1": "00:00:00",
        "prices": CSV,
        "reason": "new year",
    }
    return client.post(reverse(ADD), {**data, **fields})


def test_a_typed_list_is_audited_by_price(client_as: Callable[[str], Client], cluster_row: Cluster) -> None:
    factories.make_price_list(cluster_row, effective_at=datetime(2026, 10, 1, tzinfo=UTC))
    assert posted(client_as("platform"), cluster_row).status_code == 302
    version = PriceVersion.objects.get(name="On-premises")
    assert (version.currency, version.source, len(version.lines)) == ("USD", "typed", 2)
    event = AuditEvent.objects.order_by("-seq")[0]
    assert (event.kind, event.note) == ("priceversion.created", "new year")
    assert [(item["label"], item["before"], item["after"]) for item in event.changes] == [
        ("cpu", "0.04 USD", "0.03 USD")
    ]


def test_a_list_comes_from_a_file(client_as: Callable[[str], Client], cluster_row: Cluster) -> None:
    file = SimpleUploadedFile("prices.csv", ("\ufeff" + CSV).encode())
    assert posted(client_as("platform"), cluster_row, prices="", file=file).status_code == 302
    assert PriceVersion.objects.get().source == "csv"


def test_a_wrong_line_is_named_and_nothing_is_saved(client_as: Callable[[str], Client], cluster_row: Cluster) -> None:
    answer = posted(client_as("platform"), cluster_row, prices=CSV + "gpu,,,1\n")
    assert answer.status_code == 200
    assert "Line 4: a gpu line names the accelerator" in answer.content.decode()
    assert not PriceVersion.objects.exists()


def test_a_version_never_changes(client_as: Callable[[str], Client], cluster_row: Cluster) -> None:
    version = factories.make_price_list(cluster_row)
    page = client_as("platform").get(reverse("admin:deployments_priceversion_change", args=[version.pk]))
    assert "cpu,,,0.04" in page.content.decode()
    for write in (lambda: PriceVersion.objects.update(name="x"), lambda: PriceVersion.objects.all().delete()):
        with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
            write()


def test_a_version_without_an_event_is_refused(cluster_row: Cluster) -> None:
    version = factories.make_price_list(cluster_row)
    version.pk = None
    with transaction.atomic():
        version.save(force_insert=True)
        with pytest.raises(DatabaseError, match="has no audit event"):
            connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)

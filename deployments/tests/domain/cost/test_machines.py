"""Machine types: totals as Google publishes them, families, and nodes by what they say of themselves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from deployments.domain.cost.machines import family_of, machine, names


@pytest.mark.parametrize(
    ("name", "cpu", "gib", "billed", "ssd"),
    [
        ("n1-standard-1", "1", "3.75", "1", 0),
        ("n1-highcpu-96", "96", "86.4", "96", 0),
        ("n2-highmem-128", "128", "864", "128", 0),
        ("c3d-highcpu-360", "360", "708", "360", 0),
        ("c4-standard-2", "2", "7", "2", 0),
        ("c4-highmem-2", "2", "15", "2", 0),
        ("c4d-highcpu-4", "4", "7", "4", 0),
        ("c4-standard-288-lssd-metal", "288", "1080", "288", 18000),
        ("c3-standard-88-lssd", "88", "352", "88", 6000),
        ("z3-highmem-88-highlssd", "88", "704", "88", 36000),
        ("m1-ultramem-160", "160", "3844", "160", 0),
        ("e2-small", "2", "2", "0.5", 0),
        ("g2-standard-24", "24", "96", "24", 0),
        ("a2-ultragpu-4g", "48", "680", "48", 1500),
        ("a3-highgpu-8g", "208", "1872", "208", 6000),
        ("n2-custom-6-20480", "6", "20", "6", 0),
    ],
)
def test_totals(name: str, cpu: str, gib: str, billed: str, ssd: int) -> None:
    found = machine(name)
    assert found is not None
    assert (found.cpu, found.memory_gib, found.billed_cpu) == (Decimal(cpu), Decimal(gib), Decimal(billed))
    assert found.local_ssd_gib == ssd


@pytest.mark.parametrize(
    ("name", "gpus", "shown"),
    [
        ("g2-standard-24", "2", "2"),
        ("g2-standard-96", "8", "8"),
        ("a2-megagpu-16g", "16", "16"),
        # An eighth of a GPU is paid for, and shown as one.
        ("g4-standard-6", "0.125", "1"),
    ],
)
def test_gpus(name: str, gpus: str, shown: str) -> None:
    found = machine(name)
    assert found is not None
    assert [count for _, count in found.gpus] == [Decimal(gpus)]
    assert [count for _, count in found.shown_gpus] == [Decimal(shown)]


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("n2-standard-4", "n2"),
        ("n2d-standard-4", "n2d"),
        ("a3-highgpu-8g", "a3"),
        ("a3-megagpu-8g", "a3plus"),
        ("a3-ultragpu-8g", "a3ultra"),
        ("m4-ultramem-224", "m4ultramem224"),
        ("m4-ultramem-112", "m4"),
        ("custom-4-8192", "n1-custom"),
        ("n1-custom-4-8192", "n1-custom"),
        ("n2d-custom-4-65536-ext", "n2d-custom"),
        ("strange", "strange"),
    ],
)
def test_families(name: str, family: str) -> None:
    assert family_of(name) == family


@pytest.mark.parametrize("name", ["", "n2-standard-3", "n2-custom-0-8192", "n2-custom-4-0000", "N2-standard-4"])
def test_what_is_not_in_the_table_is_none(name: str) -> None:
    assert machine(name) is None


def test_no_machine_is_billed_for_more_vcpus_than_it_has() -> None:
    found = [machine(name) for name in names()]
    assert len(found) == len({one.name for one in found if one})
    assert all(one and 0 < one.billed_cpu <= one.cpu and one.memory_gib > 0 for one in found)

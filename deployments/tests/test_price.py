"""`manage.py price`: its answers, exit codes and that it needs neither a database nor a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from deployments.tests.domain.cost import golden
from deployments.tests.domain.cost.pages import core, gpu, info, pod, ram

A2 = [
    core("A", "A2 Instance Core running in Americas", "0.031611"),
    ram("B", "A2 Instance Ram running in Americas", "0.004237"),
    gpu("C", "Nvidia Tesla A100 GPU running in Americas", "2.933908"),
]


@pytest.fixture
def price(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command on pages; its exit code and what it printed."""

    def run(*arguments: str, pages: list[Any], region: str = "us-central1") -> tuple[int, str]:
        files = []
        for number, page in enumerate(pages):
            files.append(str(tmp_path / f"{number}.json"))
            Path(files[-1]).write_text(page if isinstance(page, str) else json.dumps(page))
        code = 0
        try:
            call_command("price", "--catalog", *files, "--region", region, *arguments)
        except SystemExit as stop:
            code = int(str(stop.code))
        except CommandError as error:
            # The parser's own refusal ends the process with 2, but where Django calls the command it is an exception.
            return 2 if str(error).startswith("Error: ") else error.returncode, str(error)
        return code, capsys.readouterr().out

    return run


def test_a_machine_is_priced_by_pages_of_several_files(price: Any) -> None:
    pages = [{"skus": A2[:2], "nextPageToken": "n"}, [{"skus": A2[2:]}]]
    code, printed = price("--machine", "a2-highgpu-1g", "--json", pages=pages)
    answer = json.loads(printed)
    assert code == 0
    assert answer["hourly"] == "3.673385"
    assert answer["currency"] == "USD"
    assert answer["unknown"] == []
    assert answer["parts"][0] == {
        "name": "core", "quantity": "12", "unit": "vCPU", "rate": "0.031611", "amount": "0.379332", "sku": "A",
    }  # fmt: skip


def test_what_is_unknown_is_null_with_a_reason(price: Any) -> None:
    code, printed = price("--machine", "a2-highgpu-1g", "--json", pages=[{"skus": A2[:2]}])
    answer = json.loads(printed)
    assert code == 3
    assert answer["hourly"] is None
    assert "nvidia tesla a100 gpu" in answer["unknown"][0]


@pytest.mark.parametrize(
    ("arguments", "hourly"),
    [
        (["--machine", "a2-highgpu-1g", "--gpu", "nvidia-tesla-a100=2"], "6.607293"),
        (["--machine", "a2-highgpu-1g", "--cpu", "10", "--memory", "80Gi"], "3.588978"),
        (["--machine", "a2-special-1g", "--cpu", "12", "--memory", "85Gi", "--gpu", "nvidia-tesla-a100=1"], "3.673385"),
        (["--machine", "g2-standard-4", "--spot"], "0.2788"),
        (["--machine", "e2-medium"], "0.033503"),
        # What a node of it shows as capacity.
        (["--machine", "e2-medium", "--cpu", "2", "--memory", "4Gi"], "0.033503"),
        (["--pod", "general", "--cpu", "500m", "--memory", "2Gi"], "0.032095"),
        (["--pod", "scale-out-arm", "--cpu", "1", "--memory", "4Gi"], "0.051352"),
        (["--pod", "accelerator", "--cpu", "4", "--memory", "8Gi", "--gpu", "nvidia-l4=1"], "0.8771"),
    ],
)
def test_totals_and_flags(price: Any, arguments: list[str], hourly: str) -> None:
    code, printed = price(*arguments, "--json", pages=[{"skus": golden.catalog()}])
    assert json.loads(printed)["hourly"] == hourly, printed
    assert code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--machine", "a9-nothing-1"],
        ["--machine", "a9-nothing-1", "--cpu", "4"],
        ["--machine", "a9-nothing-1", "--cpu", "4", "--memory", "16Gi"],
        ["--machine", "n1-standard-4", "--gpu", "nvidia-tesla-x1=1"],
        ["--pod", "accelerator", "--cpu", "4", "--memory", "8Gi"],
        ["--pod", "accelerator", "--cpu", "4", "--memory", "8Gi", "--gpu", "nvidia-h100-80gb=1"],
        ["--pod", "general", "--cpu", "4", "--memory", "8Gi", "--gpu", "nvidia-l4=1"],
    ],
)
def test_unknown(price: Any, arguments: list[str]) -> None:
    code, printed = price(*arguments, "--json", pages=[{"skus": golden.catalog()}])
    answer = json.loads(printed)
    assert (code, answer["hourly"]) == (3, None)
    assert answer["unknown"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--machine", "a2-highgpu-1g", "--pod", "general"],
        ["--machine", ""],
        ["--pod", "gigantic", "--cpu", "1", "--memory", "1Gi"],
        ["--pod", "general", "--cpu", "1"],
        ["--machine", "a2-highgpu-1g", "--cpu", "-1"],
        ["--machine", "a2-highgpu-1g", "--memory", "85GB"],
        ["--machine", "a2-highgpu-1g", "--gpu", "nvidia-l4"],
        ["--machine", "a2-highgpu-1g", "--gpu", "nvidia-l4=0"],
        ["--machine", "a2-highgpu-1g", "--gpu", "nvidia-l4=1", "--gpu", "nvidia-l4=2"],
        ["--machine", "a2-highgpu-1g", "--at", "yesterday"],
    ],
)
def test_wrong_arguments(price: Any, arguments: list[str]) -> None:
    code, _ = price(*arguments, pages=[{"skus": A2}])
    assert code == 2


@pytest.mark.parametrize("page", ["not json", "[" * 100_000, '{"error": {"code": 403}}', '"text"', "\x00"])
def test_a_file_that_is_no_catalog(price: Any, page: str) -> None:
    code, printed = price("--machine", "a2-highgpu-1g", pages=[page])
    assert code == 2
    assert printed


def test_the_price_of_an_instant(price: Any) -> None:
    later = A2[0] | {"pricingInfo": [*A2[0]["pricingInfo"], info("0.04", since="2026-01-01T00:00:00.5Z")]}
    pages = [{"skus": [later, *A2[1:]]}]
    for at, hourly in (("2026-01-01T01:00:00+01:00", "3.673385"), ("2026-01-01T00:00:01", "3.774053")):
        _, printed = price("--machine", "a2-highgpu-1g", "--at", at, "--json", pages=pages)
        assert json.loads(printed)["hourly"] == hourly


def test_fractions_in_a_file_are_exact(price: Any) -> None:
    page = json.dumps({"skus": A2}).replace('"startUsageAmount": 0', '"startUsageAmount": 0.0')
    _, printed = price("--machine", "a2-highgpu-1g", "--json", pages=[page])
    assert json.loads(printed)["hourly"] == "3.673385"


def test_two_offers_for_a_pod_are_named(price: Any) -> None:
    skus = [*golden.catalog(), pod("TWIN", "Autopilot Pod mCPU Requests", "0.00005")]
    code, printed = price("--pod", "general", "--cpu", "1", "--memory", "4Gi", pages=[{"skus": skus}])
    assert code == 3
    assert "PC-general" in printed
    assert "TWIN" in printed


def test_in_words(price: Any) -> None:
    _, printed = price("--machine", "a2-highgpu-1g", pages=[{"skus": A2}])
    assert "3.673385 USD an hour, list price" in printed
    assert "memory: 85 GiB at 0.004237 = 0.360145  B" in printed


@pytest.mark.parametrize(("machine", "code"), [("a2-highgpu-1g", 0), ("n2-standard-4", 3), ("", 2)])
def test_no_database_is_needed(tmp_path: Path, machine: str, code: int) -> None:
    file = tmp_path / "page.json"
    file.write_text(json.dumps({"skus": A2}))
    environment = {
        name: value for name, value in os.environ.items() if name.startswith(("PATH", "LANG", "PYTHON", "HOME"))
    } | {"DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    found = subprocess.run(
        [sys.executable, "manage.py", "price", "--catalog", str(file), "--region", "us-central1", "--machine", machine],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == code, found.stderr

"""`manage.py price`: what a machine or a pod costs an hour, by pages of Google's catalog in files."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from deployments.domain.cost import machines
from deployments.domain.cost.matching import Lookup, PriceBook, plain
from deployments.domain.cost.prices import Quote, Request, node_rates, pod_rates, quote_node, quote_request
from deployments.domain.cost.rules import PodClass
from deployments.domain.cost.skus import CatalogError, read_catalog
from deployments.domain.text.quantities import QuantityError, parse_cpu, parse_memory

WRONG: Final = 2
UNKNOWN: Final = 3


class Command(BaseCommand):
    help = (
        "Price a machine type, or what a pod of Autopilot requests, by list prices: files as Google's Cloud Billing "
        "Catalog API returns them (services.skus.list). Exit code 0: priced, 3: unknown, 2: wrong arguments."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--catalog", nargs="+", action="extend", required=True, metavar="FILE", help="JSON pages")
        parser.add_argument("--region", required=True, type=_region, help="for example us-central1")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--machine", type=_machine, metavar="TYPE", help="for example a2-highgpu-1g")
        what.add_argument("--pod", choices=[item.value for item in PodClass], help="compute class of Autopilot")
        parser.add_argument("--cpu", type=_cpu, help="vCPUs, for example 4 or 500m")
        parser.add_argument("--memory", type=_memory, help="for example 16Gi")
        parser.add_argument(
            "--gpu", type=_gpu, action="append", metavar="NAME=N", help="label and number, for example nvidia-l4=1"
        )
        parser.add_argument("--spot", action="store_true", help="on Spot capacity")
        parser.add_argument(
            "--at", type=_instant, metavar="INSTANT", help="prices in force then (UTC); now when absent"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        gpus = tuple(options["gpu"] or ())
        if len({label for label, _ in gpus}) < len(gpus):
            raise CommandError("Name each accelerator once in --gpu.", returncode=WRONG)
        if options["pod"] and (options["cpu"] is None or options["memory"] is None):
            raise CommandError("--pod needs --cpu and --memory: what the pod requests.", returncode=WRONG)
        book = _book(options["catalog"])
        lookup = Lookup(region=options["region"], is_spot=options["spot"], at=options["at"] or datetime.now(UTC))
        if options["pod"]:
            card = pod_rates(book, PodClass(options["pod"]), [label for label, _ in gpus], lookup)
            quote = quote_request(Request(cpu=options["cpu"], memory_gib=options["memory"], gpus=gpus), card)
        else:
            quote = _of_machine(book, lookup, options["machine"], options["cpu"], options["memory"], gpus)
        self.stdout.write(json.dumps(as_json(quote)) if options["json"] else in_words(quote))
        if quote.hourly is None:
            sys.exit(UNKNOWN)


def _of_machine(
    book: PriceBook,
    lookup: Lookup,
    name: str,
    cpu: Decimal | None,
    memory: Decimal | None,
    gpus: tuple[tuple[str, Decimal], ...],
) -> Quote:
    found = machines.machine(name)
    if found is None:
        if cpu is None or memory is None:
            reason = f"The machine type {name} is not in the table; give its --cpu and --memory."
            return Quote(hourly=None, currency="", parts=(), unknown=(reason,))
        found = machines.Machine(name=name, cpu=cpu, billed_cpu=cpu, memory_gib=memory)
    found = found.resized(cpu=cpu, memory_gib=memory, gpus=gpus or None)
    return quote_node(found, node_rates(book, found, lookup))


def as_json(quote: Quote) -> dict[str, Any]:
    """Numbers as text, so that nothing is lost on the way."""
    return {
        "hourly": None if quote.hourly is None else plain(quote.hourly),
        "currency": quote.currency or None,
        "parts": [
            {
                "name": part.name,
                "quantity": plain(part.quantity),
                "unit": part.unit,
                "rate": plain(part.rate),
                "amount": plain(part.amount),
                "sku": part.sku,
            }
            for part in quote.parts
        ],
        "unknown": list(quote.unknown),
    }


def in_words(quote: Quote) -> str:
    """A row for each part, then the sum or every reason why there is none."""
    rows = [
        f"{part.name}: {plain(part.quantity)} {part.unit} at {plain(part.rate)} = {plain(part.amount)}  {part.sku}"
        for part in quote.parts
    ]
    if quote.hourly is None:
        return "\n".join([*rows, "unknown", *(f"- {reason}" for reason in quote.unknown)])
    return "\n".join([*rows, f"{plain(quote.hourly)} {quote.currency} an hour, list price"])


def _book(files: list[str]) -> PriceBook:
    documents = []
    for name in files:
        try:
            documents.append(json.loads(Path(name).read_text(encoding="utf-8-sig"), parse_float=Decimal))
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}.", returncode=WRONG) from error
        except (ValueError, RecursionError) as error:
            raise CommandError(f"{name} is not JSON: {error}", returncode=WRONG) from error
    try:
        return PriceBook(read_catalog(documents))
    except CatalogError as error:
        raise CommandError(f"The files are no pages of the catalog. {error}", returncode=WRONG) from error


def _region(text: str) -> str:
    return text.strip().lower()


def _machine(text: str) -> str:
    name = text.strip().lower()
    if not name:
        raise ArgumentTypeError("a machine type has a name")
    return name


def _cpu(text: str) -> Decimal:
    try:
        return Decimal(parse_cpu(text)) / 1000
    except QuantityError as error:
        raise ArgumentTypeError(str(error)) from error


def _memory(text: str) -> Decimal:
    try:
        return Decimal(parse_memory(text)) / machines.GIB
    except QuantityError as error:
        raise ArgumentTypeError(str(error)) from error


def _gpu(text: str) -> tuple[str, Decimal]:
    name, _, count = text.strip().partition("=")
    if not name or not count.isascii() or not count.isdecimal() or not 1 <= int(count) <= 64:
        raise ArgumentTypeError(f'"{text}" is not NAME=N, for example nvidia-l4=1')
    return name.lower(), Decimal(int(count))


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ArgumentTypeError(f'"{text}" is no instant; write for example 2026-11-27T09:00:00Z') from error
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)

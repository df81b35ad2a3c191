"""What of a pulled price list is kept, and what changed since the last one: for immutable price versions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from deployments.domain.cost.rules import RULES, RuleBook, heading, spellings
from deployments.domain.cost.skus import Sku

# Beyond this share of the old price a new one waits for a person.
BOUND: Final = Decimal("0.25")

# Why a SKU is not kept, by its words; the first that fits. The rest is "no rule".
_OTHER_OFFERS: Final = (
    ("commitment", re.compile(r"commitment|committed use")),
    ("sole tenancy", re.compile(r"sole[ -]tenan")),
    ("reservation, calendar mode, DWS and Flex Start", re.compile(r"reserv|calendar mode|\bdws\b|flex[ -]start")),
    ("licence", re.compile(r"licen[cs]")),
    ("premium", re.compile(r"premium")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The SKUs that a rule may ask for in `regions`, and how many were left out on purpose, by reason."""

    skus: tuple[Sku, ...]
    left_out: tuple[tuple[str, int], ...]

    @property
    def read(self) -> int:
        return len(self.skus) + sum(count for _, count in self.left_out)


def keep(skus: Iterable[Sku], regions: Iterable[str], rules: RuleBook = RULES) -> Kept:
    """Prices of the kept SKUs are those of all: what is left out matches no rule in these regions.

    A SKU at 0 is kept, so that its rule can say that it is listed at 0.
    """
    wanted, asked_for = frozenset(regions), _names(rules)
    kept, left_out = [], Counter[str]()
    for sku in skus:
        name = heading(sku.description).name
        if name in asked_for and sku.usage in rules.usage and wanted & sku.regions:
            kept.append(sku)
        else:
            left_out[_reason(sku, name, name in asked_for, rules)] += 1
    return Kept(skus=tuple(kept), left_out=tuple(left_out.most_common()))


def _names(rules: RuleBook) -> frozenset[str]:
    """Every name that a rule may ask for."""
    rows = [row.name for row in rules.families] + [row.name for row in rules.gpus] + [row.name for row in rules.ssds]
    pods = [row.name.replace("{gpu}", gpu) for row in rules.pods for gpu in (rules.pod_gpus.values() or ("",))]
    return frozenset(text for name in [*rows, *pods] for text in spellings(name))


def _reason(sku: Sku, name: str, is_asked_for: bool, rules: RuleBook) -> str:
    if is_asked_for and sku.usage in rules.usage:
        return "other region"
    text = f"{sku.usage} {sku.family} {sku.description}".lower()
    return next((reason for reason, words in _OTHER_OFFERS if words.search(text)), "no rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A price that is another than before. `by` is the change as a share of the old price."""

    sku: Sku
    old: Decimal
    new: Decimal
    currency: str

    @property
    def by(self) -> Decimal:
        return self.new / self.old - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """From one version to the next. `held` are the moves that a person has to accept; `refused` why not even that."""

    added: tuple[Sku, ...]
    vanished: tuple[Sku, ...]
    moved: tuple[Move, ...]
    held: tuple[Move, ...]
    refused: str = ""


def changes(before: Iterable[Sku], after: Iterable[Sku], *, at: datetime, bound: Decimal = BOUND) -> Changes:
    """By SKU id, with the prices in force at `at`; a price that began or ceased to be 0 or readable is held too.

    A list in another currency, or of less than half the SKUs, is refused: it is cut, or another list.
    """
    old, new = ({sku.sku_id: sku for sku in skus} for skus in (before, after))
    moved: list[Move] = []
    held: list[Move] = []
    for sku_id in sorted(old.keys() & new.keys()):
        was, now = old[sku_id].at(at), new[sku_id].at(at)
        if was is None:
            continue
        price = now.price if now is not None else Decimal(0)
        if now is not None and now.currency != was.currency:
            reason = f"The list is in {now.currency}, the last one in {was.currency}."
            return Changes(added=(), vanished=(), moved=(), held=(), refused=reason)
        if price == was.price:
            continue
        move = Move(sku=new[sku_id], old=was.price, new=price, currency=was.currency)
        is_large = not was.price or not price or abs(move.by) > bound
        (held if is_large else moved).append(move)
    if old and len(new) * 2 < len(old):
        reason = f"The list has {len(new):,} prices, the last one {len(old):,}."
        return Changes(added=(), vanished=(), moved=(), held=(), refused=reason)
    return Changes(
        added=tuple(new[sku_id] for sku_id in sorted(new.keys() - old.keys())),
        vanished=tuple(old[sku_id] for sku_id in sorted(old.keys() - new.keys())),
        moved=tuple(moved),
        held=tuple(held),
    )

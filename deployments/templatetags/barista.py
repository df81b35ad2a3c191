"""The words of the interface: icons, states, times and quantities, each drawn in one way only."""

import functools
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.template.defaultfilters import date as format_date
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.domain.cost.matching import plain
from deployments.domain.status.pods import without_name
from deployments.domain.text.quantities import human_cpu, human_memory

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400
UNKNOWN = "\N{EN DASH}"


@functools.cache
def _sprite() -> str:
    """The sprite's address; the same as long as the process lives, and asked for some hundred times a page."""
    return static("icons.svg")


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """One outline of static/icons.svg. Without a label it is decoration and hidden from screen readers."""
    href = f"{_sprite()}#{name}"
    classes = f"icon {css}".strip()
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, href)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, href)


@register.simple_tag
def state_pill(state: Any, detail: str = "") -> SafeString:
    """Icon and word of anything with `label`, `tone` and `icon`; `detail` follows the word ("2 of 4")."""
    words = f"{state.label} {detail}".strip()
    return format_html('<span class="st st-{}">{}{}</span>', state.tone, icon(state.icon), words)


@register.simple_tag
def env_badge(environment: str) -> SafeString:
    """Prod is ink and capitals everywhere; the others are a thin outline."""
    value = str(environment)
    return format_html('<span class="env env-{}">{}</span>', value, "PROD" if value == "prod" else value)


def in_words(seconds: float) -> str:
    """A length of time in its two largest units: "6 s", "2 min 10 s", "3 h 20 min", "12 d"."""
    total = max(0, int(seconds))
    if total < MINUTE:
        return f"{total} s"
    if total < HOUR:
        return _two(total, MINUTE, "min", 1, "s", whole_from=10)
    if total < DAY:
        return _two(total, HOUR, "h", MINUTE, "min", whole_from=24)
    return _two(total, DAY, "d", HOUR, "h", whole_from=3)


def _two(total: int, unit: int, name: str, part: int, part_name: str, *, whole_from: int) -> str:
    whole, rest = divmod(total, unit)
    if rest // part == 0 or whole >= whole_from:
        return f"{whole} {name}"
    return f"{whole} {name} {rest // part} {part_name}"


def relative(moment: datetime, now: datetime) -> str:
    """ "just now", "6 min ago", "in 2 h": one unit, because the exact instant is one hover away."""
    seconds = int((now - moment).total_seconds())
    distance = abs(seconds)
    if distance < 5:
        return "just now"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s")):
        if distance >= unit:
            words = f"{distance // unit} {name}"
            break
    return f"{words} ago" if seconds > 0 else f"in {words}"


@register.simple_tag
def ago(moment: datetime | None, missing: str = UNKNOWN) -> SafeString | str:
    """A relative time that static/js/times.js keeps fresh, with the exact instant in its title."""
    if moment is None:
        return missing
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        moment.isoformat(),
        exact(moment),
        relative(moment, timezone.now()),
    )


@register.simple_tag
def heard(moment: datetime | None, *key: object, missing: str = UNKNOWN) -> SafeString | str:
    """As `ago` for an instant that moves on by itself, such as a cluster's last word: a poll that brings nothing else
    moves it in place (baristaweb/shell/polls.py). `key` names it within the page."""
    if moment is None:
        return missing
    return format_html(
        '<time datetime="{}" title="{}" data-ago data-heard="{}">{}</time>',
        moment.isoformat(),
        exact(moment),
        "-".join(map(str, key)),
        relative(moment, timezone.now()),
    )


@register.simple_tag
def upcoming(moment: datetime | None, missing: str = UNKNOWN) -> SafeString | str:
    """As `ago` for what is to come: what should have happened by now is due, not "2 min ago"."""
    return "due now" if moment is not None and moment <= timezone.now() else ago(moment, missing)


@register.filter
def exact(moment: datetime | None) -> str:
    """ "Thu 19 Nov 2026, 19:35:02 UTC", in the time zone of the site."""
    return format_date(timezone.localtime(moment), "D j M Y, H:i:s T") if moment else UNKNOWN


@register.simple_tag
def clock(moment: datetime | None, pattern: str = "H:i:s") -> SafeString | str:
    """The time of day, for lists where a day heading or a neighbour gives the date."""
    if moment is None:
        return UNKNOWN
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), format_date(local, pattern)
    )


@register.filter
def duration(value: timedelta | float | None) -> str:
    """A timedelta or a number of seconds in words."""
    if value is None:
        return UNKNOWN
    return in_words(value.total_seconds() if isinstance(value, timedelta) else value)


@register.simple_tag
def took(began: datetime | None, ended: datetime | None) -> str:
    """The time between two instants in words."""
    return in_words((ended - began).total_seconds()) if began and ended else UNKNOWN


@register.filter
def cores(millicores: int | None) -> str:
    """1500 -> "1.5 cores". None is unknown, never 0."""
    return UNKNOWN if millicores is None else human_cpu(millicores)


@register.filter
def memory(size: int | None) -> str:
    """Bytes: 8589934592 -> "8 GiB"."""
    return UNKNOWN if size is None else human_memory(size)


@register.filter
def share(value: float | None) -> str:
    """0.0123 -> "1.2%"; small shares never read as none. None is unknown, never 0."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.0005:
        return "<0.1%"
    return f"{min(value, 0.999):.1%}" if value < 1 else "100%"


register.filter("without", without_name)
register.filter("plain", plain)


@register.filter
def money(value: Decimal | str | None, places: int = 2) -> str:
    """A number with thousands apart and so many digits after the point; without a currency."""
    if value is None:
        return UNKNOWN
    number = Decimal(value)
    minus = "\N{MINUS SIGN}" if number < 0 and round(number, places) else ""
    return f"{minus}{abs(number):,.{places}f}"


@register.simple_tag
def weblink(address: str) -> SafeString | str:
    """A link when the address is one of the web, else its text: what was saved once may not be trusted for ever."""
    if not address.lower().startswith(("https://", "http://")):
        return address
    return format_html('<a href="{0}" rel="noopener noreferrer" target="_blank">{0}</a>', address)


@register.filter
def plural(count: int, words: str) -> str:
    """{{ 3|plural:"pod,pods" }} -> "3 pods"."""
    one, many = words.split(",")
    return f"{count} {one if count == 1 else many}"


USE_WIDTH, USE_FULL, USE_HOT = 64, Decimal("1.5"), Decimal("0.9")


@register.simple_tag
def use_bar(used: float | None, requested: float | None, label: str) -> SafeString:
    """Use against its request: the scale ends at 150 %, the tick is the request, orange from 90 %.

    `label` says the same in words for those who do not see the bar. Nothing is drawn when either number is unknown.
    """
    if used is None or not requested:
        return SafeString("")
    share = Decimal(str(used)) / Decimal(str(requested))
    tick = (USE_WIDTH / USE_FULL).quantize(Decimal("0.1"))
    filled = min(share, USE_FULL) * USE_WIDTH / USE_FULL
    return format_html(
        '<svg class="use" viewBox="0 0 {w} 6" role="img" aria-label="{label}"><rect class="bg" width="{w}" height="6"'
        ' rx="3"/><rect class="{kind}" width="{filled}" height="6" rx="3"/>'
        '<line class="rq" x1="{tick}" x2="{tick}" y1="-1" y2="7"/></svg>',
        w=USE_WIDTH,
        label=label,
        kind="hot" if share >= USE_HOT else "fg",
        filled=filled.quantize(Decimal("0.1")),
        tick=tick,
    )


@register.simple_tag(takes_context=True)
def query_with(context: Mapping[str, Any], **changes: object) -> str:
    """The page's own query string with some parameters changed; None or "" removes one, a new filter goes to page 1."""
    query = context["request"].GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.simple_tag(takes_context=True)
def query_without(context: Mapping[str, Any], name: str) -> str:
    """The page's own query string without one of its parameters."""
    return query_with(context, **{name: None})


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """A form field's input with the class its kind needs; Django adds aria-describedby and aria-invalid."""
    widget = field.field.widget
    if isinstance(widget, CheckboxSelectMultiple | RadioSelect):
        kind = ""
    elif isinstance(widget, CheckboxInput):
        kind = "form-check-input"
    else:
        kind = "form-select" if isinstance(widget, Select) else "form-control"
    own = widget.attrs.get("class", "")
    invalid = "is-invalid" if field.errors else ""
    classes = " ".join(part for part in (kind, own, invalid) if part)
    return field.as_widget(attrs={"class": classes} if classes else None)


@register.filter
def of(values: Mapping[Any, Any], key: Any) -> Any:
    """The value of a key; None where there is none."""
    return values.get(key)


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def is_choices(field: BoundField) -> bool:
    """Whether the field draws several inputs, so that it needs a legend instead of a label."""
    return isinstance(field.field.widget, CheckboxSelectMultiple | RadioSelect)

"""What to do about a refusal, said after the cluster's own words: those name the rule, not the person to ask."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Advice:
    """`is_platforms`: no edit of the deployment helps, the platform team has to do something in the cluster."""

    text: str = ""
    is_platforms: bool = False


# The first that fits counts; groups of the pattern fill the text. All but one are texts of the API server.
_RULES: Final[tuple[tuple[re.Pattern[str], Advice], ...]] = (
    (
        re.compile(r"in namespace (?P<ns>\S+) because it is being terminated"),
        Advice("Namespace {ns} is being deleted. Ask the platform team for another, or to bring it back.", True),
    ),
    (
        re.compile(r'namespaces "(?P<ns>[^"]+)" not found'),
        Advice("Namespace {ns} is not in the cluster. Ask the platform team to create it.", True),
    ),
    (
        re.compile(
            r'cannot (?P<verb>\w+) resource "(?P<what>[^"]+)"(?: in API group "[^"]*")?'
            r' in the namespace "(?P<ns>[^"]+)"'
        ),
        Advice(
            "Barista's account may not {verb} {what} in {ns}, or there is no such namespace. "
            "Ask the platform team to grant it.",
            True,
        ),
    ),
    (
        re.compile(r'cannot (?P<verb>\w+) resource "(?P<what>[^"]+)"(?: in API group "[^"]*")? at the cluster scope'),
        Advice("Barista's account may not {verb} {what}. Ask the platform team to grant it.", True),
    ),
    (
        re.compile(r"exceeded quota: (?P<quota>[^\s,]+)"),
        Advice("Ask for less, or have the platform team raise the quota {quota}."),
    ),
    (
        re.compile(r'failed calling webhook "(?P<hook>[^"]+)"'),
        Advice(
            "The admission webhook {hook} does not answer, which is no fault of this deployment. "
            "Ask the platform team, then try again.",
            True,
        ),
    ),
    (
        re.compile(r"did not finish a write in namespace (?P<ns>\S+) in time"),
        Advice(
            "That is no fault of this deployment. Ask the platform team which webhook is asked about objects in {ns}; "
            "Barista tries again, and waits longer to learn its name.",
            True,
        ),
    ),
    (re.compile(r"^The cluster .{1,80} is switched off"), Advice("Ask the platform team when it comes back.", True)),
    (
        re.compile(r'admission webhook "(?P<hook>[^"]+)" denied'),
        Advice("A rule of the cluster ({hook}) refuses it. Change what it names, or ask the platform team."),
    ),
    (
        re.compile(r'service account \S+: serviceaccount "(?P<name>[^"]+)" not found'),
        Advice(
            "The runtime's ServiceAccount {name} is not in this namespace. Ask the platform team to make it there, or "
            "to change the runtime.",
            True,
        ),
    ),
    (
        re.compile(r"no PriorityClass with name (?P<name>\S+) was found"),
        Advice("Choose a priority class that the cluster has, or leave it empty."),
    ),
)


def advice(said: str) -> Advice:
    """What fits a refusal in the API server's words; empty when nothing is known about it."""
    for pattern, found in _RULES:
        match = pattern.search(said)
        if match:
            return Advice(found.text.format(**match.groupdict()), found.is_platforms)
    return Advice()


def with_advice(said: str) -> str:
    return " ".join(part for part in (said, advice(said).text) if part)

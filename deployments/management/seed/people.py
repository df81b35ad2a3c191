"""Who works here."""

from deployments.management.seed.shapes import Person, TeamPlan

TEAMS = (
    TeamPlan(slug="recommendations", name="Recommendations", contact="#recs-ml, rota recs-oncall", short="recs"),
    TeamPlan(slug="vision", name="Vision", contact="#vision-ml, rota vision-oncall", short="vision"),
    TeamPlan(slug="ads", name="Ads", contact="#ads-ml, rota ads-oncall", short="ads"),
    TeamPlan(slug="search", name="Search", contact="#search-ml, rota search-oncall", short="search"),
    TeamPlan(slug="trust-and-safety", name="Trust and safety", contact="#trust-ml, rota trust-oncall", short="trust"),
    TeamPlan(slug="payments", name="Payments", contact="#payments-ml", short=""),
)
ML_TEAMS = tuple(team.slug for team in TEAMS if team.short)


def _everywhere(role: str) -> dict[str, str]:
    return dict.fromkeys(ML_TEAMS, role)


PEOPLE = (
    Person(username="platform", name="Pat Lindqvist", is_platform_admin=True),
    Person(username="maintainer", name="Mara Okafor", roles=_everywhere("maintainer")),
    Person(username="editor", name="Eli Novak", roles=_everywhere("editor")),
    Person(username="viewer", name="Vic Tanaka", roles=_everywhere("viewer")),
    Person(username="auditor", name="Ada Brandt", is_auditor=True),
    Person(username="stranger", name="Sam Reyes", roles={"payments": "maintainer"}),
    # Colleagues who only appear in the history and in lists of who has a role.
    Person(username="ines", name="Ines Moreau", can_log_in=False, roles={"search": "maintainer", "vision": "editor"}),
    Person(
        username="jonas", name="Jonas Weber", can_log_in=False, roles={"ads": "editor", "recommendations": "maintainer"}
    ),
)

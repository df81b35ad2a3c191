"""What of the audit log somebody should look at: riskiest first, until it is signed off."""

from __future__ import annotations

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When

from deployments.domain.catalogue import Environment
from deployments.models import AuditEvent, AuditReview, User

# Higher is looked at first. The kinds are beginnings.
RISKS: tuple[tuple[int, Q], ...] = (
    (4, Q(was_allowed=False)),
    (3, Q(kind="conflict.taken_over")),
    (3, Q(kind__startswith="user.") & ~Q(kind="user.password_changed")),
    (2, Q(environment=Environment.PROD.value, kind__in=["deployment.retired", "revision.rolled_back"])),
    (2, Q(kind__startswith="budget.")),
    (2, Q(kind__startswith="member.") | Q(kind__startswith="cluster.")),
    (2, Q(kind__startswith="registryrule.") | Q(kind__startswith="metadataprefix.") | Q(kind__startswith="permit.")),
    (1, Q(environment=Environment.PROD.value)),
)


def waiting(user: User) -> QuerySet[AuditEvent]:
    """Risky events that the user may read, made by others, without a sign-off; riskiest first, then oldest."""
    wanted = Q()
    for _, condition in RISKS:
        wanted |= condition
    signed = AuditReview.objects.filter(seq=OuterRef("seq"))
    return (
        AuditEvent.objects.visible_to(user)
        .filter(wanted)
        .exclude(actor_id=None)
        .exclude(actor_id=user.pk)
        .annotate(
            is_signed=Exists(signed),
            risk=Case(*(When(condition, then=Value(risk)) for risk, condition in RISKS), output_field=IntegerField()),
        )
        .filter(is_signed=False)
        .order_by("-risk", "seq")
    )

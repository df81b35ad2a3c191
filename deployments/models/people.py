"""Users, teams and what a user may do in a team."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from deployments.domain.roles import Role
from deployments.domain.text.naming import signed_name

slug_validator = RegexValidator(
    r"\A[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z", "Use lower-case letters, digits and dashes, like search-ranker."
)


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, **fields: object) -> User:
        """A saved user with a hashed password; the caller records the audit event in the same transaction."""
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person. Roles live in memberships; platform admins run the platform, auditors read everything."""

    username = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(r"\A[A-Za-z0-9._-]+\Z", "Use letters, digits, dots, dashes and underscores.")],
    )
    display_name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True, help_text="Off: cannot log in, and open sessions end at once.")
    is_platform_admin = models.BooleanField(default=False, help_text="May do everything, in every team and the admin.")
    is_auditor = models.BooleanField(default=False, help_text="Sees everything, changes nothing.")
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    # The account that Google's Identity-Aware Proxy named at the first login.
    google_subject = models.CharField(max_length=254, null=True, unique=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ["username"]

    def __str__(self) -> str:
        return signed_name(self.display_name, self.username)

    @property
    def is_staff(self) -> bool:
        """Whether Django's admin lets this user in."""
        return self.is_platform_admin

    @property
    def sees_everything(self) -> bool:
        return self.is_platform_admin or self.is_auditor

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and self.is_platform_admin

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_platform_admin

    @cached_property
    def roles(self) -> dict[int, Role]:
        """Role by team id; one query a request."""
        return {team_id: Role(role) for team_id, role in self.memberships.values_list("team_id", "role")}


class Team(models.Model):
    slug = models.CharField(max_length=40, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=80, unique=True)
    contact = models.CharField(max_length=200, blank=True, help_text="Where to reach the team: a channel or a rota.")
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=[(role.value, role.label) for role in Role])

    class Meta:
        ordering = ["team", "user"]
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_role_per_team")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.team}"


class LoginAttempt(models.Model):
    """Failed logins of one key (user and address, or address) within a window; survives restarts."""

    key = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of what was tried and from where")
    failures = models.PositiveIntegerField(default=0)
    window_started_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key[:12]

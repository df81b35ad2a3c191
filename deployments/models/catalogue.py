"""What the platform team offers: runtimes, hardware profiles, registries, prefixes of labels."""

from __future__ import annotations

from django.db import models

from deployments.domain import catalogue
from deployments.models.people import Team, slug_validator


class Runtime(models.Model):
    """A serving template. A revision keeps a copy of the runtime it was made with."""

    slug = models.CharField(max_length=40, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True, help_text="Off: no longer offered; running deployments keep it.")
    definition = models.JSONField(help_text="The serving template as deployments.domain.catalogue.Runtime writes it.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def to_domain(self) -> catalogue.Runtime:
        return catalogue.Runtime.from_json({**self.definition, "slug": self.slug, "name": self.name})


class HardwareProfile(models.Model):
    """A size of pod. A revision keeps a copy of the profile it was made with."""

    slug = models.CharField(max_length=40, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True, help_text="Off: no longer offered; running deployments keep it.")
    definition = models.JSONField(help_text="The size as deployments.domain.catalogue.HardwareProfile writes it.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def to_domain(self) -> catalogue.HardwareProfile:
        return catalogue.HardwareProfile.from_json({**self.definition, "slug": self.slug, "name": self.name})


class RegistryRule(models.Model):
    """Images may come from here: a registry, or a registry and a path in it."""

    prefix = models.CharField(max_length=255, help_text="Like ghcr.io/acme or europe-docker.pkg.dev/acme/models")
    team = models.ForeignKey(
        Team,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="registry_rules",
        help_text="Empty: all teams.",
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["prefix"]
        constraints = [
            models.UniqueConstraint(fields=["prefix", "team"], name="registry_rule_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.prefix


class MetadataPrefix(models.Model):
    """Teams may set labels and annotations whose keys begin with this."""

    prefix = models.CharField(max_length=254, unique=True, help_text="A domain and a slash, like acme.com/")
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["prefix"]
        verbose_name_plural = "metadata prefixes"

    def __str__(self) -> str:
        return self.prefix

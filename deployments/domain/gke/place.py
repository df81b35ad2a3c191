"""Where a cluster is in Google Cloud, and the service account that workers act as."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# The domain-scoped form (example.com:project) is of old organisations and still valid.
_PROJECT: Final = re.compile(r"(?:[a-z0-9.-]{1,40}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]\Z", re.ASCII)
_LOCATION: Final = re.compile(r"[a-z]{2,20}-[a-z]{2,20}[0-9]{1,2}(?:-[a-z])?\Z", re.ASCII)
_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\Z", re.ASCII)
_ACCOUNT: Final = re.compile(
    r"(?:[a-z0-9][a-z0-9-]{4,28}[a-z0-9]@[a-z0-9.-]{6,60}\.iam\.gserviceaccount\.com"
    r"|[0-9]{6,20}-compute@developer\.gserviceaccount\.com)\Z",
    re.ASCII,
)


class InvalidPlace(ValueError):
    """Not where a cluster can be; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster of Google Kubernetes Engine by name."""

    project: str
    location: str
    name: str

    @property
    def path(self) -> str:
        """As the Container API names it."""
        return f"projects/{self.project}/locations/{self.location}/clusters/{self.name}"

    def __str__(self) -> str:
        return f"{self.name} in {self.location} of project {self.project}"


def check_project(text: str) -> None:
    if not _PROJECT.match(text):
        raise InvalidPlace(
            "Type the project's id, like acme-models: 6 to 30 of a-z, 0-9 and -, not its name or number."
        )


def check_location(text: str) -> None:
    if not _LOCATION.match(text):
        raise InvalidPlace("Type a region or zone of Google Cloud, like europe-west4 or europe-west4-a.")


def check_cluster_name(text: str) -> None:
    if not _NAME.match(text):
        raise InvalidPlace("Type the cluster's name in Google Cloud: a-z, 0-9 and -, beginning with a letter.")


def check_account(text: str) -> None:
    """A service account's e-mail; empty stands for the workers' own identity."""
    if text and not _ACCOUNT.match(text):
        raise InvalidPlace("Type a service account's e-mail, like barista@acme-models.iam.gserviceaccount.com.")

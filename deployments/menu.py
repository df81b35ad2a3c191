"""This app's entries of the navigation, and the tabs of a deployment's page."""

from __future__ import annotations

from typing import Any, Final

from baristaweb.lib.registry import NavEntry, Tab
from deployments.models import Deployment


def _is_staff(user: Any) -> bool:
    return bool(user.is_staff)


def _current_revision(deployment: Deployment) -> int | None:
    return deployment.current.number if deployment.current else None


NAV: Final = (
    NavEntry(label="Home", url_name="home", order=10),
    NavEntry(label="Fleet", url_name="fleet", order=20, under=("deployment",)),
    NavEntry(label="Sleep", url_name="sleep", order=30, under=("sleep",)),
    NavEntry(label="Cost", url_name="costs", order=40, under=("cost",)),
    NavEntry(label="Clusters", url_name="clusters", order=50),
    NavEntry(label="Teams", url_name="teams", order=60, under=("team",)),
    NavEntry(label="Audit", url_name="audit", order=70, under=("audit",)),
    NavEntry(label="Admin", url_name="admin:index", order=90, under=("admin:",), is_shown=_is_staff),
)
TABS: Final = (
    Tab(name="overview", label="Overview", url_name="deployment-detail", order=10),
    Tab(name="configuration", label="Configuration", url_name="deployment-configuration", order=20),
    Tab(name="revisions", label="Revisions", url_name="deployment-revisions", order=30, count=_current_revision),
    Tab(name="cost", label="Cost", url_name="deployment-cost", order=35),
    Tab(name="sleep", label="Sleep", url_name="deployment-sleep", order=37),
    Tab(name="logs", label="Logs", url_name="deployment-logs", order=40),
    Tab(name="activity", label="Activity", url_name="deployment-activity", order=50),
)

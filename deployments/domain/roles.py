"""Who may do what, as one table. Deny by default: a permission missing from the table is allowed to nobody."""

from enum import StrEnum
from typing import Final

from deployments.domain.catalogue import Environment


class Role(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    MAINTAINER = "maintainer"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @property
    def rank(self) -> int:
        return {"viewer": 1, "editor": 2, "maintainer": 3}[self.value]

    @property
    def description(self) -> str:
        return {
            "viewer": "Sees everything of the team, logs included.",
            "editor": "Changes and applies development and staging, proposes for production.",
            "maintainer": "Applies to production, retires, resolves conflicts and manages members.",
        }[self.value]


class Permission(StrEnum):
    DEPLOYMENT_VIEW = "deployment.view"
    DEPLOYMENT_CREATE = "deployment.create"
    DEPLOYMENT_RESTART = "deployment.restart"
    DEPLOYMENT_PAUSE = "deployment.pause"
    DEPLOYMENT_RETIRE = "deployment.retire"
    DEPLOYMENT_RESTORE = "deployment.restore"
    DEPLOYMENT_RETRY = "deployment.retry"
    REVISION_PROPOSE = "revision.propose"
    REVISION_APPLY = "revision.apply"
    CONFLICT_RESOLVE = "conflict.resolve"
    LOGS_VIEW = "logs.view"
    PREVIEW_REQUEST = "preview.request"
    AUDIT_VIEW = "audit.view"
    AUDIT_REVIEW = "audit.review"
    CLUSTER_VIEW = "cluster.view"
    COST_VIEW = "cost.view"
    BUDGET_EDIT = "budget.edit"
    BUDGET_EXCEED = "budget.exceed"
    MODEL_CREATE = "model.create"
    MODEL_EDIT = "model.edit"
    TEAM_VIEW = "team.view"
    MEMBER_MANAGE = "member.manage"
    SLEEP_EDIT = "sleep.edit"
    AWAKE_KEEP = "awake.keep"
    DATA_VIEW = "data.view"
    DATA_EXPORT = "data.export"
    SENSITIVE_EXPORT = "sensitive.export"
    CHANGE_POST = "change.post"
    BASELINE_EDIT = "baseline.edit"
    SOURCE_EDIT = "source.edit"
    PLATFORM_MANAGE = "platform.manage"

    @property
    def label(self) -> str:
        """What is done, as a sentence begins: "Creating a deployment takes the role"."""
        return _DOING[self]


_DOING: Final[dict[Permission, str]] = {
    Permission.DEPLOYMENT_VIEW: "Seeing deployments",
    Permission.DEPLOYMENT_CREATE: "Creating a deployment",
    Permission.DEPLOYMENT_RESTART: "Restarting pods",
    Permission.DEPLOYMENT_PAUSE: "Pausing and resuming a deployment",
    Permission.DEPLOYMENT_RETIRE: "Retiring a deployment",
    Permission.DEPLOYMENT_RESTORE: "Restoring a deployment",
    Permission.DEPLOYMENT_RETRY: "Trying again to apply a deployment",
    Permission.REVISION_PROPOSE: "Editing a deployment",
    Permission.REVISION_APPLY: "Applying a change",
    Permission.CONFLICT_RESOLVE: "Taking over conflicting fields",
    Permission.LOGS_VIEW: "Reading logs",
    Permission.PREVIEW_REQUEST: "Asking the cluster for a dry run",
    Permission.AUDIT_VIEW: "Reading the audit log",
    Permission.AUDIT_REVIEW: "Signing off audit entries",
    Permission.CLUSTER_VIEW: "Seeing clusters",
    Permission.COST_VIEW: "Seeing costs",
    Permission.BUDGET_EDIT: "Setting a budget",
    Permission.BUDGET_EXCEED: "Going over a hard limit",
    Permission.MODEL_CREATE: "Creating a model",
    Permission.MODEL_EDIT: "Changing a model",
    Permission.TEAM_VIEW: "Seeing a team",
    Permission.MEMBER_MANAGE: "Managing members",
    Permission.SLEEP_EDIT: "Changing when something sleeps",
    Permission.AWAKE_KEEP: "Keeping something awake",
    Permission.DATA_VIEW: "Seeing data health",
    Permission.DATA_EXPORT: "Exporting data",
    Permission.SENSITIVE_EXPORT: "Exporting sensitive data",
    Permission.CHANGE_POST: "Recording a change",
    Permission.BASELINE_EDIT: "Choosing a baseline and rules",
    Permission.SOURCE_EDIT: "Changing a log source",
    Permission.PLATFORM_MANAGE: "Changing what the platform team offers",
}
# Permissions whose role does not depend on the environment.
_ANYWHERE: Final[dict[Permission, Role]] = {
    Permission.DEPLOYMENT_VIEW: Role.VIEWER,
    Permission.LOGS_VIEW: Role.VIEWER,
    Permission.AUDIT_VIEW: Role.VIEWER,
    Permission.CLUSTER_VIEW: Role.VIEWER,
    Permission.COST_VIEW: Role.VIEWER,
    Permission.TEAM_VIEW: Role.VIEWER,
    Permission.DATA_VIEW: Role.VIEWER,
    Permission.DATA_EXPORT: Role.VIEWER,
    Permission.CHANGE_POST: Role.EDITOR,
    Permission.SENSITIVE_EXPORT: Role.MAINTAINER,
    Permission.REVISION_PROPOSE: Role.EDITOR,
    Permission.PREVIEW_REQUEST: Role.EDITOR,
    Permission.DEPLOYMENT_RETRY: Role.EDITOR,
    Permission.MODEL_CREATE: Role.EDITOR,
    Permission.MODEL_EDIT: Role.EDITOR,
    Permission.AWAKE_KEEP: Role.EDITOR,
    Permission.CONFLICT_RESOLVE: Role.MAINTAINER,
    Permission.DEPLOYMENT_RETIRE: Role.MAINTAINER,
    Permission.DEPLOYMENT_RESTORE: Role.MAINTAINER,
    Permission.MEMBER_MANAGE: Role.MAINTAINER,
    Permission.BUDGET_EDIT: Role.MAINTAINER,
    Permission.BUDGET_EXCEED: Role.MAINTAINER,
    Permission.AUDIT_REVIEW: Role.MAINTAINER,
}

# An editor's in development and staging, a maintainer's in production.
_BY_ENVIRONMENT: Final = frozenset(
    {
        Permission.REVISION_APPLY,
        Permission.DEPLOYMENT_CREATE,
        Permission.DEPLOYMENT_RESTART,
        Permission.DEPLOYMENT_PAUSE,
        Permission.SLEEP_EDIT,
        Permission.BASELINE_EDIT,
        Permission.SOURCE_EDIT,
    }
)

# No team role is enough: users, clusters, runtimes, profiles and registries are the platform team's.
_PLATFORM_ONLY: Final = frozenset({Permission.PLATFORM_MANAGE})

READ_ONLY: Final = frozenset(
    {
        Permission.DEPLOYMENT_VIEW,
        Permission.LOGS_VIEW,
        Permission.AUDIT_VIEW,
        Permission.CLUSTER_VIEW,
        Permission.COST_VIEW,
        Permission.TEAM_VIEW,
        Permission.DATA_VIEW,
    }
)
# Signing off what was read changes no deployment: it is the auditor's work.
_AUDITOR: Final = READ_ONLY | {Permission.AUDIT_REVIEW}


def needed_role(permission: Permission, environment: Environment | None) -> Role:
    """The smallest team role that has the permission there. LookupError when no team role has it.

    `environment` None stands for things outside any environment and asks for the strictest answer.
    """
    if permission in _BY_ENVIRONMENT:
        is_free = environment in (Environment.DEV, Environment.STAGING)
        return Role.EDITOR if is_free else Role.MAINTAINER
    if permission not in _ANYWHERE:
        raise LookupError(f"No team role has {permission}.")
    return _ANYWHERE[permission]


def is_allowed(
    role: Role | None,
    permission: Permission,
    environment: Environment | None,
    *,
    is_auditor: bool = False,
    is_platform: bool = False,
) -> bool:
    """`role` is the person's role in the team that owns the object, None for strangers."""
    if is_platform:
        return True
    if is_auditor and permission in _AUDITOR:
        return True
    if role is None or permission in _PLATFORM_ONLY:
        return False
    return role.rank >= needed_role(permission, environment).rank

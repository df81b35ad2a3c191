import pytest

from deployments.domain.catalogue import Environment
from deployments.domain.roles import READ_ONLY, Permission, Role, is_allowed, needed_role

DEV, STAGING, PROD = Environment.DEV, Environment.STAGING, Environment.PROD
P = Permission


@pytest.mark.parametrize(
    ("permission", "environment", "least"),
    [
        (P.DEPLOYMENT_VIEW, PROD, Role.VIEWER),
        (P.LOGS_VIEW, PROD, Role.VIEWER),
        (P.AUDIT_VIEW, DEV, Role.VIEWER),
        (P.COST_VIEW, PROD, Role.VIEWER),
        (P.BUDGET_EDIT, DEV, Role.MAINTAINER),
        (P.BUDGET_EXCEED, DEV, Role.MAINTAINER),
        (P.REVISION_PROPOSE, PROD, Role.EDITOR),
        (P.REVISION_APPLY, DEV, Role.EDITOR),
        (P.REVISION_APPLY, STAGING, Role.EDITOR),
        (P.REVISION_APPLY, PROD, Role.MAINTAINER),
        (P.REVISION_APPLY, None, Role.MAINTAINER),
        (P.DEPLOYMENT_CREATE, DEV, Role.EDITOR),
        (P.DEPLOYMENT_CREATE, PROD, Role.MAINTAINER),
        (P.DEPLOYMENT_RESTART, STAGING, Role.EDITOR),
        (P.DEPLOYMENT_RESTART, PROD, Role.MAINTAINER),
        (P.DEPLOYMENT_PAUSE, DEV, Role.EDITOR),
        (P.DEPLOYMENT_RETIRE, DEV, Role.MAINTAINER),
        (P.SOURCE_EDIT, DEV, Role.EDITOR),
        (P.SOURCE_EDIT, PROD, Role.MAINTAINER),
        (P.CONFLICT_RESOLVE, DEV, Role.MAINTAINER),
        (P.DATA_VIEW, PROD, Role.VIEWER),
        (P.DATA_EXPORT, PROD, Role.VIEWER),
        (P.SENSITIVE_EXPORT, DEV, Role.MAINTAINER),
        (P.CHANGE_POST, PROD, Role.EDITOR),
        (P.BASELINE_EDIT, DEV, Role.EDITOR),
        (P.BASELINE_EDIT, PROD, Role.MAINTAINER),
        (P.MEMBER_MANAGE, None, Role.MAINTAINER),
    ],
)
def test_table(permission: Permission, environment: Environment | None, least: Role) -> None:
    assert needed_role(permission, environment) is least
    for role in Role:
        assert is_allowed(role, permission, environment) is (role.rank >= least.rank)


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("environment", [*Environment, None])
def test_strangers_auditors_and_platform(permission: Permission, environment: Environment | None) -> None:
    assert not is_allowed(None, permission, environment)
    assert is_allowed(None, permission, environment, is_platform=True)
    assert is_allowed(None, permission, environment, is_auditor=True) is (
        permission in READ_ONLY or permission is P.AUDIT_REVIEW
    )


@pytest.mark.parametrize("environment", list(Environment))
def test_no_team_role_manages_the_platform(environment: Environment) -> None:
    assert not any(is_allowed(role, P.PLATFORM_MANAGE, environment) for role in Role)
    with pytest.raises(LookupError):
        needed_role(P.PLATFORM_MANAGE, environment)


def test_an_auditor_with_a_role_keeps_it() -> None:
    assert is_allowed(Role.EDITOR, P.REVISION_APPLY, DEV, is_auditor=True)


def test_a_larger_role_can_do_all_of_a_smaller() -> None:
    for permission in Permission:
        for environment in Environment:
            granted = [is_allowed(role, permission, environment) for role in sorted(Role, key=lambda role: role.rank)]
            assert granted == sorted(granted)

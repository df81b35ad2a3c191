import pytest

from deployments.domain.status.refusals import advice, with_advice

ACCOUNT = 'User "system:serviceaccount:barista-system:barista"'
# What the API server (1.36) says, who has to act, and what a person is told beside it.
SAID = [
    (
        f'deployments.apps "ranker" is forbidden: {ACCOUNT} cannot patch resource "deployments" in API group "apps" '
        'in the namespace "search-dev"',
        True,
        "may not patch deployments in search-dev, or there is no such namespace",
    ),
    (
        f'nodes is forbidden: {ACCOUNT} cannot list resource "nodes" in API group "" at the cluster scope',
        True,
        "may not list nodes. Ask the platform team",
    ),
    (
        'services "ranker" is forbidden: unable to create new content in namespace search-dev because it is being '
        "terminated",
        True,
        "Namespace search-dev is being deleted",
    ),
    ('namespaces "search-dev" not found', True, "Namespace search-dev is not in the cluster"),
    (
        'pods "ranker-" is forbidden: exceeded quota: small, requested: requests.cpu=1, used: requests.cpu=0',
        False,
        "raise the quota small.",
    ),
    ('Internal error occurred: failed calling webhook "a.b.io": timed out', True, "webhook a.b.io does not answer"),
    ('admission webhook "a.b.io" denied the request: no', False, "(a.b.io) refuses it"),
    ('pods "x" is forbidden: no PriorityClass with name high was found', False, "Choose a priority class"),
    (
        'pods "x" is forbidden: error looking up service account search-dev/model: serviceaccount "model" not found',
        True,
        "ServiceAccount model is not in this namespace",
    ),
    ("The cluster Europe is switched off.", True, "when it comes back"),
    ("spec.replicas: Invalid value: -1", False, ""),
    ("", False, ""),
]


@pytest.mark.parametrize(("said", "is_platforms", "words"), SAID)
def test_what_to_do_follows_what_was_said(said: str, is_platforms: bool, words: str) -> None:
    found = advice(said)
    assert found.is_platforms is is_platforms
    assert words in found.text
    assert with_advice(said) == (f"{said} {found.text}" if found.text else said)


def test_what_a_cluster_says_is_no_template() -> None:
    said = advice('namespaces "{0.__class__}%s" not found').text
    assert said.startswith("Namespace {0.__class__}%s is not")

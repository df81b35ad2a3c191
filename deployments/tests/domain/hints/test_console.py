"""Deep links into the console."""

from urllib.parse import unquote

from deployments.domain.hints.console import GkeCluster

CLUSTER = GkeCluster(project="acme-serving", location="us-east1", name="serving-a")


def test_a_workload_and_a_pod() -> None:
    assert CLUSTER.workload("search-prod", "ranker") == (
        "https://console.cloud.google.com/kubernetes/deployment/us-east1/serving-a/search-prod/ranker/overview"
        "?project=acme-serving"
    )
    assert "/kubernetes/pod/us-east1/serving-a/search-prod/ranker-1/details?" in CLUSTER.pod("search-prod", "ranker-1")


def test_logs_of_a_deployment() -> None:
    query = unquote(CLUSTER.logs("search-prod", deployment_id="7").split("query=")[1].split(";duration")[0])
    assert 'resource.labels.namespace_name="search-prod"' in query
    assert 'labels."k8s-pod/barista_io/deployment-id"="7"' in query


def test_quotes_stay_inside_the_string() -> None:
    link = CLUSTER.logs('x" OR "1"="1', pod="p/../q")
    assert '"' not in link
    assert unquote(link).count('namespace_name="x\\" OR \\"1\\"=\\"1"') == 1

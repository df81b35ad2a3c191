"""Each alert rule fires on the trouble it names, and on nothing less: told by Prometheus' own promtool."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from embedded.paths import REPOSITORY

RULES = REPOSITORY / "deploy" / "alerts" / "barista.rules.yaml"
# By alert: the series, its values minute by minute when all is well and in trouble, and when the alert has to stand.
CASES: dict[str, tuple[str, str, str, int]] = {
    "BaristaChangesWait": ("barista_oldest_pending_seconds", "0+20x15", "0+60x15", 8),
    "BaristaWorkersStalled": ('barista_workers_stalled{queue="reconcile"}', "0x15", "0x5 1x9", 8),
    "BaristaMessagesRejected": ('barista_messages_rejected{queue="logs"}', "4x15", "0x5 1x9", 7),
    "BaristaClusterAway": ('barista_cluster_reachable{cluster="gke"}', "1x5 0x3 1x6", "1x3 0x11", 10),
    "BaristaWatchSilent": ('barista_watch_silence_seconds{cluster="gke"}', "1x5 50x9", "1x5 60+60x9", 9),
    "BaristaDeploymentParked": ('barista_deployments{phase="parked"}', "0x15", "0x5 1x9", 6),
    "BaristaFieldsHeld": ('barista_deployments{phase="conflict"}', "0x30 1x40 0x80", "0x5 1x140", 70),
    "BaristaAuditWentBack": ("barista_audit_head", "10+1x15", "10+1x8 3+1x6", 10),
    "BaristaImportsWait": ("barista_import_oldest_seconds", "0+120x28", "3000+300x40", 20),
}


def rules() -> dict[str, Any]:
    return {rule["alert"]: rule for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]}


def test_every_rule_has_a_case() -> None:
    assert set(CASES) == set(rules())


@pytest.mark.parametrize("is_well", [True, False], ids=["well", "trouble"])
@pytest.mark.parametrize("alert", list(CASES))
def test_a_rule_fires_on_its_trouble_alone(alert: str, is_well: bool, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    series, well, trouble, minute = CASES[alert]
    rule = rules()[alert]
    labels = dict(part.split("=") for part in series.partition("{")[2].rstrip("}").split(",") if part)
    kept = {name: value.strip('"') for name, value in labels.items() if f"by ({name})" in rule["expr"]}
    expected = [{"exp_labels": rule["labels"] | kept, "exp_annotations": _filled(rule["annotations"], kept)}]
    tests = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": well if is_well else trouble}],
                "alert_rule_test": [
                    {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": [] if is_well else expected}
                ],
            }
        ],
    }
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(tests))
    done = subprocess.run([promtool, "test", "rules", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def _filled(annotations: dict[str, str], labels: dict[str, str]) -> dict[str, str]:
    for name, value in labels.items():
        annotations = {key: text.replace(f"{{{{ $labels.{name} }}}}", value) for key, text in annotations.items()}
    return annotations

"""The trial of the importer on a database of its own (see prove.py)."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import django

django.setup()

from deployments.models import Deployment  # noqa: E402  settings first
from deployments.tests import factories  # noqa: E402
from observability.tests.trial.run import Outcome, begin, grow_while_read, kill_at_random, read_twice  # noqa: E402

KILLS = int(os.environ.get("KILLS", "100"))
SEED = int(os.environ.get("SEED", "1"))
SABOTAGE = os.environ.get("SABOTAGE", "")


def main() -> int:
    environ = {"BARISTA_IMPORT_SABOTAGE": SABOTAGE, **{name: os.environ[name] for name in _PASSED}}
    deployment = a_deployment()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="barista-prove-") as folder:
        place = Path(folder)
        if SABOTAGE in ("", "norestat"):
            outcomes.append(
                _say("a file that grows", grow_while_read(*begin(deployment, place / "grow", SEED), environ=environ))
            )
        if SABOTAGE in ("", "noclaim"):
            outcomes.append(
                _say("three workers", read_twice(*begin(deployment, place / "twice", SEED), environ=environ))
            )
        if SABOTAGE in ("", "noreplace"):
            source, files = begin(deployment, place / "kills", SEED)
            outcomes.append(
                _say(
                    "kills",
                    kill_at_random(source, files, kills=KILLS if not SABOTAGE else 5, environ=environ, say=_tell),
                )
            )
    wrong = [said for outcome in outcomes for said in outcome.wrong]
    for said in wrong[:20]:
        print(f"  WRONG {said}")
    print(
        f"ingest: {'exact' if not wrong else f'{len(wrong)} differences'}, seed {SEED}"
        + (f", without {SABOTAGE[2:]}" if SABOTAGE else "")
    )
    return 1 if wrong else 0


_PASSED = ("BARISTA_TEST_APP_URL", "DJANGO_SETTINGS_MODULE")
_told = time.monotonic()


def _tell(text: str) -> None:
    global _told
    if time.monotonic() - _told > 20:
        _told = time.monotonic()
        print(f"  {text}", flush=True)


def _say(name: str, outcome: Outcome) -> Outcome:
    print(
        f"{name}: {len(outcome.wrong)} differences, {outcome.workers_killed} workers and {outcome.readers_killed} "
        f"readers killed, {outcome.folds} objects counted, {outcome.seconds:.0f} s",
        flush=True,
    )
    return outcome


def a_deployment() -> Deployment:
    user, team = factories.make_user(), factories.make_team()
    namespace = factories.make_namespace(team=team, cluster=factories.make_cluster())
    return factories.make_deployment(author=user, namespace=namespace)


if __name__ == "__main__":
    sys.exit(main())

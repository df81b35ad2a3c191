"""From save to applied while processes are killed: `python -m benchmarks storm`, on a demo of its own.

Edits seeded deployments for 300 s, 2 a second; meanwhile kills the worker, the relay, the watch and twice the
apiserver, and empties the queue. What a save waits for while the apiserver's /readyz does not answer is not counted:
the goal is a 95th percentile of 10 s after that. It leaves the demo running, with the edits in it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import redis
import yaml

from benchmarks.apply import row
from embedded.demo_environ import environ
from embedded.paths import Home, home_folder

LASTS_S = 300.0
EVERY_S = {"worker": 21.0, "relay": 75.0, "watch": 75.0, "kube-apiserver": 140.0, "flush": 70.0}


def main() -> None:
    home = Home.open(home_folder())
    stopping = threading.Event()
    away: list[tuple[float, float]] = []
    done: dict[str, int] = {}
    threads = [
        threading.Thread(target=_listen, args=(home, stopping, away)),
        threading.Thread(target=_break, args=(home, stopping, done)),
    ]
    for thread in threads:
        thread.start()
    job = [sys.executable, "-m", "benchmarks.storm_edits", str(LASTS_S)]
    try:
        saver = subprocess.run(job, env=os.environ | environ(home), check=True, stdout=subprocess.PIPE, text=True)
    finally:
        stopping.set()
        for thread in threads:
            thread.join(20)
    said = json.loads(saver.stdout)
    waits = [max(0.0, applied - saved - _silence(away, saved, applied)) for saved, applied in said["applied"]]
    print(f"\nSave to applied in a storm: {len(waits)} changes, {said['lost']} never applied; killed {done}")
    print(f"the apiserver did not answer for {sum(end - start for start, end in away):.0f} s, which is not counted")
    row("Barista: save until the cluster accepted it", waits)
    if waits:
        waits.sort()
        print(f"  95th percentile {waits[int(len(waits) * 0.95)]:.1f} s (goal: 10 s)")


def _silence(away: list[tuple[float, float]], start: float, end: float) -> float:
    return sum(max(0.0, min(end, until) - max(start, since)) for since, until in away)


def _listen(home: Home, stopping: threading.Event, away: list[tuple[float, float]]) -> None:
    """When the apiserver did not answer, by the wall clock."""
    config = yaml.safe_load((home.path / "kubernetes" / "admin.kubeconfig").read_text())
    address = config["clusters"][0]["cluster"]["server"] + "/readyz"
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # whether it answers, not who it is
    since: float | None = None
    while not stopping.is_set():
        try:
            with urllib.request.urlopen(address, timeout=2, context=trust):  # noqa: S310 - the kubeconfig's
                is_up = True
        except urllib.error.HTTPError as error:
            is_up = error.code in (401, 403)
        except OSError:
            is_up = False
        if not is_up and since is None:
            since = time.time()
        if is_up and since is not None:
            away.append((since, time.time()))
            since = None
        stopping.wait(0.2)
    if since is not None:
        away.append((since, time.time()))


def _break(home: Home, stopping: threading.Event, done: dict[str, int]) -> None:
    """Kill, and empty the queue, at the paces of EVERY_S with some chance in it."""
    chance = random.Random(7)
    due = {what: time.monotonic() + pause * chance.uniform(0.3, 1.0) for what, pause in EVERY_S.items()}
    queue = redis.Redis.from_url(environ(home)["REDIS_URL"])
    while not stopping.wait(0.5):
        for what, at in due.items():
            if time.monotonic() < at:
                continue
            due[what] = time.monotonic() + EVERY_S[what] * chance.uniform(0.8, 1.2)
            if what == "flush":
                queue.flushdb()
            elif not _kill(home, what):
                continue
            done[what] = done.get(what, 0) + 1


def _kill(home: Home, name: str) -> bool:
    """SIGKILL of exactly the process that the stack noted under this name."""
    for file in (home.path / "run" / f"{name}.json", home.path / "kubernetes" / "run" / f"{name}.json"):
        if Path(file).exists():
            os.kill(int(json.loads(file.read_text())["pid"]), signal.SIGKILL)
            return True
    return False

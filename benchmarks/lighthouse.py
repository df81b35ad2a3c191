"""Lighthouse's performance and accessibility of a running demo's pages, logged in, on a desktop: median of 5 runs each.

`make demo` in one terminal, `make bench ONLY=lighthouse` in another; PORT and BARISTA_HOME as for the demo. Lighthouse
and the Node that it needs come from npm in the versions below, once, into the cache folder. BARISTA_BENCH_RUNS makes
fewer runs, BARISTA_BENCH_PAGES names some of the pages. With BARISTA_BENCH_FLEET=200 the demo's database gets so many
deployments more first, for its list: only for a demo that is thrown away.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.parse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, sync_playwright

from benchmarks.measure import ROOT
from benchmarks.peers import CACHE
from benchmarks.weight import PAGES, deployment_in, log_in
from embedded.demo_environ import environ
from embedded.paths import LOOPBACK, Home, home_folder
from embedded.screenshots import SYSTEM_CHROMIUM, WIDE

PACKAGES: Final = ("lighthouse@13.5.0", "node@22.23.3")
RUNS: Final = int(os.environ.get("BARISTA_BENCH_RUNS", "5"))
WANTED: Final = {"performance": 95, "accessibility": 100}
TIMES: Final = {"lcp": "largest-contentful-paint", "blocked": "total-blocking-time"}
FLEET: Final = int(os.environ.get("BARISTA_BENCH_FLEET", "0"))
BEYOND: Final = {
    "edit": "{deployment}edit/",
    "promote": "{deployment}promote/",
    "restart": "{deployment}restart/",
    "verification": "/audit/verification/",
}


def main() -> None:
    node, lighthouse = installed()
    base = f"http://{LOOPBACK}:{os.environ.get('PORT', '8000')}"
    home = Home.open(home_folder())
    if FLEET:
        fill(home)
    chromium = str(SYSTEM_CHROMIUM) if SYSTEM_CHROMIUM.exists() else None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        cookie, deployment = _session(browser, base, home.secret("demo-password"))
        chrome = chromium or playwright.chromium.executable_path
        browser.close()
    pages = {name: address.format(deployment=deployment) for name, address in (PAGES | BEYOND).items()}
    chosen = [name for name in os.environ.get("BARISTA_BENCH_PAGES", "").split(",") if name] or list(pages)
    print(f"\n{PACKAGES[0]}, desktop, median of {RUNS}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")
    print("| page | performance | accessibility | LCP ms | blocked ms |\n|---|---|---|---|---|")
    low = []
    for name in chosen:
        header = "" if name == "login" else cookie
        runs = [_run(node, lighthouse, chrome, base + pages[name], header) for _ in range(RUNS)]
        middle = {kind: statistics.median(one[kind] for one in runs) for kind in (*WANTED, *TIMES)}
        print(f"| {name} | {' | '.join(f'{value:.0f}' for value in middle.values())} |", flush=True)
        missed = sorted({audit for one in runs for audit in one["missed"]})
        low += [f"{name}: {', '.join(missed)}"] if any(middle[kind] < least for kind, least in WANTED.items()) else []
    print(f"\nBelow {WANTED['performance']} or {WANTED['accessibility']}: {'; '.join(low) or 'none'}.")
    if low:
        sys.exit(1)


def installed() -> tuple[Path, Path]:
    """Node and Lighthouse's script in the cache folder, put there once for these versions."""
    folder = CACHE / "-".join(package.replace("@", "-") for package in PACKAGES)
    node, script = folder / "node_modules/node/bin/node", folder / "node_modules/lighthouse/cli/index.js"
    if not (node.exists() and script.exists()):
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("npm is needed to install Lighthouse.")
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES], check=True)
    return node, script


def fill(home: Home) -> None:
    """More deployments in the demo's database, as `fleet_site` copies them."""
    password = urllib.parse.quote(home.secret("postgres-barista_owner"), safe="")
    owner = f"postgres://barista_owner:{password}@{LOOPBACK}:{home.port('postgres')}/barista"
    code = f"from benchmarks.fleet_site import fill; fill({FLEET}, {{}})"
    known = os.environ | environ(home) | {"DATABASE_OWNER_URL": owner}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=known, check=True)


def _session(browser: Browser, base: str, password: str) -> tuple[str, str]:
    """The header of somebody who is logged in, and the address of a deployment that serves."""
    people = log_in(browser, base, password, WIDE)
    deployment = deployment_in(people)
    cookie = "; ".join(f"{item['name']}={item['value']}" for item in people.cookies())
    people.close()
    return cookie, deployment


def _run(node: Path, lighthouse: Path, chrome: str, url: str, cookie: str) -> dict[str, Any]:
    """Scores from 0 to 100 and times of one run; `missed` names what took points."""
    with tempfile.TemporaryDirectory(prefix="barista-lighthouse-") as folder:
        headers, report = Path(folder) / "headers.json", Path(folder) / "report.json"
        headers.write_text(json.dumps({"Cookie": cookie} if cookie else {}))
        command = [
            *(str(node), str(lighthouse), url, "--quiet", "--preset=desktop", "--output=json"),
            *(f"--output-path={report}", f"--extra-headers={headers}", f"--only-categories={','.join(WANTED)}"),
            "--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage",
        ]
        # On a busy machine a page may not be painted in Lighthouse's time, which ends the run without a report.
        for last in (False, False, True):
            done = subprocess.run(command, env=os.environ | {"CHROME_PATH": chrome}, check=last, timeout=180)
            if done.returncode == 0:
                break
        found = json.loads(report.read_text())
    if found["finalDisplayedUrl"].rstrip("/").endswith("/login") and cookie:
        raise RuntimeError(f"{url} asked to log in")
    audits = found["audits"]
    scores = {kind: 100 * (found["categories"][kind]["score"] or 0) for kind in WANTED}
    refs = [ref["id"] for kind in WANTED for ref in found["categories"][kind]["auditRefs"] if ref["weight"]]
    missed = [one for one in refs if audits[one]["score"] is not None and audits[one]["score"] < 0.9]
    return {**scores, **{name: audits[one]["numericValue"] for name, one in TIMES.items()}, "missed": missed}

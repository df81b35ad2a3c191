"""`manage.py seed_demo`: accounts, catalogue, cluster and a believable fleet. Repeating it changes nothing."""

from __future__ import annotations

import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deployments.actions.errors import Refused
from deployments.management.seed import finishing, making, nights
from deployments.management.seed.fleet import FLEET
from deployments.models import Cluster, Deployment


class Command(BaseCommand):
    help = (
        "Make the demo's accounts, catalogue, cluster and deployments. Reads BARISTA_DEMO_PASSWORD. With "
        "BARISTA_KUBECONFIG (and BARISTA_KUBE_CONTEXT) it registers that one, and deploys into it only with SEED=1; "
        "else the cluster of --kubeconfig, which is the demo's own. kubectl is taken from PATH."
    )
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--finish", action="store_true", help="once the cluster is up: rollouts to watch and a drift"
        )
        parser.add_argument("--wait", type=float, default=180.0, help="--finish: seconds to wait for the cluster")
        parser.add_argument("--kubeconfig", type=Path, help="of the demo's own cluster, as the workers use it")
        parser.add_argument("--admin-kubeconfig", type=Path, help="--finish: of somebody who changes it with kubectl")
        parser.add_argument("--namespaces", action="store_true", help="only print the namespaces that the demo uses")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["namespaces"]:
            for name, _, _ in making.namespaces():
                self.stdout.write(name)
            return
        try:
            if options["finish"]:
                self._finish(options["wait"], options["admin_kubeconfig"])
            else:
                self._begin(options["kubeconfig"])
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal

    def _begin(self, own: Path | None) -> None:
        external = os.environ.get("BARISTA_KUBECONFIG", "")
        kubeconfig = Path(external) if external else own
        if kubeconfig is None:
            raise CommandError("Give the cluster: --kubeconfig FILE, or BARISTA_KUBECONFIG.")
        given = os.environ.get("BARISTA_DEMO_PASSWORD", "")
        password = given or secrets.token_urlsafe(12)
        names = making.accounts(password)
        making.catalogue()
        demo = making.cluster(
            kubeconfig=kubeconfig.absolute(),
            context=os.environ.get("BARISTA_KUBE_CONTEXT", "") if external else "",
            name="Your cluster" if external else "Demo cluster",
        )
        if not given:
            self.stdout.write(f"Password of {', '.join(names)}: {password}")
        if external and os.environ.get("SEED") != "1":
            self.stdout.write("Registered your cluster. Nothing was put into it (SEED=1 would).")
            return
        making.places(demo)
        made = making.fleet(demo, FLEET)
        total = Deployment.objects.filter(namespace__cluster=demo).count()
        self.stdout.write(f"{made} deployments created, {total} in all.")

    def _finish(self, seconds: float, admin: Path | None) -> None:
        demo = Cluster.objects.filter(slug=making.CLUSTER).first()
        if demo is None:
            raise CommandError("Run seed_demo without --finish first.")
        if not Deployment.objects.filter(namespace__cluster=demo).exists():
            self.stdout.write("There are no deployments to finish.")
            return
        try:
            finishing.wait_until_applied(demo, seconds=seconds)
        except finishing.NotReady as problem:
            raise CommandError(str(problem)) from problem
        finishing.edit_later(demo, FLEET, self.stdout.write)
        finishing.pause_and_retire(demo, FLEET)
        external = os.environ.get("BARISTA_KUBECONFIG", "")
        kubeconfig = Path(external) if external else admin
        if kubeconfig is None:
            raise CommandError("Give who changes the cluster from outside: --admin-kubeconfig FILE.")
        # After the pauses: what sleeps cannot be paused.
        nights.begin(demo)
        nights.finish(demo)
        finishing.change_behind_our_back(demo, FLEET, kubeconfig=kubeconfig, say=self.stdout.write)
        self.stdout.write("The demo is complete.")

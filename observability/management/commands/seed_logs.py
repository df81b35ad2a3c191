"""`manage.py seed_logs`: real logs from packages' data, replayed onto the last 30 days, and sources that read them.

Repeating it adds the hours that have passed since. Sources are made through the product's own form: a worker's sample,
a dry run, and the action that saves what was tried.
"""

from __future__ import annotations

import zipfile
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from baristaweb.lib.clock import now
from deployments.actions import records
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.models import Deployment, Team, User
from deployments.models.requests import Answer
from observability.actions import changes, samples
from observability.forms import columns
from observability.ingest import sampling
from observability.management.seed.data_sets import DAYS, PLANS, Plan, wheel_of
from observability.management.seed.replaying import Replay, first_hour, write_until
from observability.models import LogSource, SampleRequest, StoreRoot
from observability.views import saving

AUTHOR = "maintainer"
SETTINGS = {
    "zone": "UTC",
    "retention_d": 90,
    "backfill_d": DAYS,
    "vanished": "keep",
    "engine": "local",
    "poll_s": 10,
    "max_object_bytes": 2 << 30,
    "time": {"unit": "", "zone": "UTC"},
}


class Command(BaseCommand):
    help = "Replay logs out of wheels into a folder, and connect them to deployments of the demo."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wheels", type=Path, required=True, help="folder of nannyml and obp wheels")
        parser.add_argument("--folder", type=Path, required=True, help="where the logs are written")

    def handle(self, *args: Any, **options: Any) -> None:
        author = User.objects.filter(username=AUTHOR).first()
        if author is None:
            raise CommandError("Run seed_demo first: its people and deployments are used.")
        left_out = []
        for plan in PLANS:
            wheel = wheel_of(options["wheels"], plan.package)
            deployment = self._deployment(plan)
            if wheel is None or deployment is None:
                left_out.append(f"{plan.model} ({plan.package})")
                continue
            folder = options["folder"].resolve() / deployment.team.slug / plan.model
            self._write(plan, wheel, folder, now())
            self._tell(plan, deployment, first_hour(folder, now(), DAYS), now())
            if not LogSource.objects.filter(deployment=deployment, removed_at=None).exists():
                self._connect(plan, deployment, folder, author)
        if left_out:
            self.stdout.write(f"No log for {', '.join(left_out)}: the package, or the deployment, is not there.")

    def _deployment(self, plan: Plan) -> Deployment | None:
        rows = Deployment.objects.filter(model__slug=plan.model, namespace__environment=plan.environment)
        return rows.select_related("namespace__team").filter(retired_at=None).first()

    def _write(self, plan: Plan, wheel: Path, folder: Path, at: datetime) -> None:
        first = first_hour(folder, at, DAYS)
        with zipfile.ZipFile(wheel) as archive:
            table = plan.read(archive)
        replay = Replay(table=table, first=first, days=plan.days, id_prefix=plan.prefix, incidents=plan.incidents)
        made = sum(1 for _ in write_until(replay, plan.layout, folder, at))
        if made:
            self.stdout.write(f"{made} objects of {plan.model} written. {plan.credit}.")

    def _tell(self, plan: Plan, deployment: Deployment, first: datetime, at: datetime) -> None:
        """The changes that came before what goes wrong in the log; those that are told already stay as they are."""
        for incident in plan.incidents:
            if incident.starts(first) <= at:
                changes.post(
                    deployment=deployment,
                    kind=incident.kind,
                    title=incident.title,
                    occurred_at=incident.starts(first),
                    link="",
                    by=Actor.system("seed", via="command"),
                )

    def _root(self, team: Team, folder: Path) -> StoreRoot:
        uri = f"file://{folder}/"
        found = StoreRoot.objects.filter(uri=uri).first()
        if found is not None:
            return found
        row = StoreRoot(slug=f"demo-{team.slug}"[:40], name=f"Logs of {team.name} on this machine", uri=uri, team=team)
        return records.save(row=row, by=Actor.system("seed", via="command"), note="Where the demo's logs lie")

    def _connect(self, plan: Plan, deployment: Deployment, folder: Path, author: User) -> None:
        root = self._root(deployment.team, folder.parent)
        question = {
            "root": root.pk,
            "location": f"file://{folder}/{plan.layout.template}",
            "format": "",
            "marker": "",
            "name": "log",
        }
        proposed = self._answered(SampleRequest.Kind.PROPOSE, deployment, author, question)
        told = proposed.result["columns"]
        for place, column in enumerate(told):
            if column["name"] in plan.sensitive:
                proposed.question.setdefault("choices", {})[str(place)] = {"sensitive": True}
        rows = columns.read(proposed.question, told)
        tried = {**question, **SETTINGS, "window": plan.window, "lateness_s": plan.lateness_s, **columns.asked(rows)}
        answer = self._answered(SampleRequest.Kind.DRY_RUN, deployment, author, tried)
        try:
            made = saving.save(answer, by=Actor.as_user(author), note="The prediction log of the demo")
        except Refused as problem:
            raise CommandError(f"{plan.model}: {problem}") from None
        self.stdout.write(f"{plan.model}: {made.location} is connected, and {DAYS} days are read now.")

    def _answered(
        self, kind: SampleRequest.Kind, deployment: Deployment, author: User, question: dict[str, Any]
    ) -> SampleRequest:
        row = samples.ask(kind=kind, deployment=deployment, by=author, question=question)
        sampling.answer(str(row.pk))
        row.refresh_from_db()
        if row.answer != Answer.DONE:
            raise CommandError(f"{deployment.name}: {row.reason or 'another worker took the question'}")
        row.deployment = deployment
        return row

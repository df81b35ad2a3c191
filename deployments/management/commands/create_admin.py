"""`manage.py create_admin USERNAME`: the first platform admin of a new installation; others are made in the admin."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from deployments.actions import people
from deployments.audit import Actor
from deployments.domain.text.naming import InvalidText, clean_text
from deployments.models import User


class Command(BaseCommand):
    help = "Create a platform admin. The password is asked for, or read from standard input when that is no terminal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="the person's name")

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"]
        if User.objects.filter(username=username).exists():
            raise CommandError(f"There is a user {username} already.")
        password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        candidate = User(username=username, display_name=options["name"])
        try:
            candidate.display_name = clean_text(options["name"], limit=120)
            candidate.clean_fields(exclude=["password"])
            validate_password(password, candidate)
        except InvalidText as problem:
            raise CommandError(str(problem)) from problem
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from problem
        people.create_user(
            by=Actor.system("create_admin", via="command"),
            username=username,
            password=password,
            display_name=candidate.display_name,
            is_platform_admin=True,
        )
        self.stdout.write(f"{username} may log in and runs the platform.")

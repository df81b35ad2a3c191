"""Rules of the house that no single part can keep alone."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from baristaweb.lib import env as barista_env

ROOT = Path(settings.BASE_DIR)
OURS = ("baristaweb", "deployments", "observability", "embedded", "benchmarks")
FILE_LINES, FUNCTION_LINES = 400, 60
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "baristaweb.settings",
    "BARISTA_ENV": "production",
    "SECRET_KEY": "x7Qm-0s8dHkLzWvB3nT5yRpC9uJ2eFaG6iK4oM1qX_tZwNbV8hS0",
    "ALLOWED_HOSTS": "barista.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://barista.example.org",
    "DATABASE_URL": "postgres://barista_app:x@127.0.0.1:1/barista",
    "REDIS_URL": "rediss://:x@127.0.0.1:1/0",
}


@cache
def python_files() -> tuple[Path, ...]:
    files = [path for name in OURS for path in (ROOT / name).rglob("*.py")]
    return tuple(sorted(path for path in files if "migrations" not in path.parts and "node_modules" not in path.parts))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    return subprocess.run(
        command, cwd=ROOT, env={**inherited, **environment}, capture_output=True, text=True, timeout=180, check=False
    )


def test_files_and_functions_stay_small() -> None:
    large = []
    for path in python_files():
        lines = len(path.read_text().splitlines())
        if lines > FILE_LINES:
            large.append(f"{name_of(path)} has {lines} lines")
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > FUNCTION_LINES:
                    large.append(f"{name_of(path)}: {node.name} has {length} lines")
    for folder, ending in (("templates", "*.html"), ("static/css", "*.css"), ("static/js", "*.js")):
        for path in (ROOT / folder).rglob(ending):
            lines = len(path.read_text().splitlines())
            if lines > FILE_LINES:
                large.append(f"{name_of(path)} has {lines} lines")
    assert not large, "\n".join(large)


def test_import_rules() -> None:
    done = run(str(Path(sys.executable).parent / "lint-imports"), "--config", "importlinter.ini", "--no-cache")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def imports_of(path: Path) -> Iterator[tuple[str, ast.stmt, bool]]:
    """Module, statement, and whether it stands inside a function."""
    inside = {
        id(child)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node, id(node) in inside
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node, id(node) in inside


def test_no_imports_of_ours_inside_functions() -> None:
    # Checks register when apps are loaded; Django offers no later place.
    allowed = {"baristaweb/apps.py"}
    found = [
        f"{name_of(path)}:{statement.lineno} imports {module}"
        for path in python_files()
        if name_of(path) not in allowed
        for module, statement, is_inside in imports_of(path)
        if is_inside and module.split(".")[0] in OURS
    ]
    assert not found, "\n".join(found)


def test_only_the_engines_know_duckdb_and_spark() -> None:
    pattern = re.compile(
        r"^\s*(?:import|from)\s+(?:duckdb|pyspark)\b|import_module\(\"(?:duckdb|pyspark)", re.MULTILINE
    )
    found = [
        name_of(path)
        for path in python_files()
        if not name_of(path).startswith(("observability/engines/", "benchmarks/")) and pattern.search(path.read_text())
    ]
    assert not found


def test_numbers_in_text_are_read_in_one_place() -> None:
    """str.isdigit() says yes to "²", of which int() knows nothing: lib/numbers.py and the pure core know better."""
    doors = re.compile(
        r"deployments/(views|forms|actions|queries|admin|api)/|observability/(views|forms|actions|queries|api)/"
    )
    found = [
        name_of(path) for path in python_files() if doors.match(name_of(path)) and ".isdigit()" in path.read_text()
    ]
    assert not found, f"use baristaweb.lib.numbers.whole in {found}"


def test_markup_is_never_declared_safe() -> None:
    found = [
        name_of(path)
        for path in [*python_files(), *(ROOT / "templates").rglob("*.html")]
        if "tests" not in path.parts
        and re.search(r"\|\s*safe\b|autoescape off|\bmark_safe\(.*(?:\{|%|\+)", path.read_text())
    ]
    assert not found


# Loaded by Django or its packages by these names.
CALLED_BY_NAME = {"400.html", "403.html", "403_csrf.html", "404.html", "500.html", "503.html"}


def test_every_template_is_used() -> None:
    folder = ROOT / "templates"
    templates = {str(path.relative_to(folder)) for path in folder.rglob("*.html")}
    texts = [path.read_text() for path in [*python_files(), *folder.rglob("*.html")]]
    named = {name for text in texts for name in re.findall(r"[\"']([\w/.-]+\.html)(?:#[\w-]+)?[\"']", text)}
    unused = {
        name
        for name in templates - named - CALLED_BY_NAME
        # Overrides of what Django's own pages include.
        if not name.startswith(("admin/", "django/forms/", "registration/")) and not _is_computed(name, texts)
    }
    assert not unused, f"no view or template names {sorted(unused)}"


def _is_computed(name: str, texts: list[str]) -> bool:
    """Templates chosen by a kind: the folder is named with a placeholder, like f"audit/events/{kind}.html"."""
    start = name.rpartition("/")[0]
    return bool(start) and any(
        re.search(rf"[\"']{re.escape(start)}/\{{|{re.escape(start)}/\" *(?:\||\+)", text) for text in texts
    )


def variables_read() -> set[str]:
    """Environment variables that settings and the product's own code read."""
    found = set()
    for path in python_files():
        if path.parts[len(ROOT.parts)] in {"baristaweb", "deployments", "observability"} and "tests" not in path.parts:
            text = path.read_text()
            found |= set(re.findall(r"env\.(?:str|int|bool|list|float|db_url)\(\s*\"([A-Z0-9_]+)\"", text))
            found |= set(re.findall(r"_database\(\"([A-Z0-9_]+)\"", text))
            found |= set(re.findall(r"os\.environ(?:\.get\(|\[)\s*\"([A-Z0-9_]+)\"", text))
    return found


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    missing = sorted(name for name in variables_read() if f"`{name}`" not in text)
    assert not missing, f"docs/operations.md does not speak of {missing}"
    assert len(variables_read()) > len(fields(barista_env.Barista))


def test_every_requirement_says_why() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "embedded/requirements.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r", "-c")):
                assert re.fullmatch(r"\S+==\S+  # \S.*", line), f"{name}: {line}"


def test_migrations_are_complete() -> None:
    done = run(sys.executable, "-W", "ignore", "manage.py", "makemigrations", "--check", "--dry-run", **PRODUCTION)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def check_deploy(**changes: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    return run(*command, **{**PRODUCTION, "BARISTA_METRICS_TOKEN": "", **changes})


def test_every_client_of_the_queue_gets_an_address_that_is_verified() -> None:
    ask = "from django.conf import settings; print(settings.CELERY_BROKER_URL)"
    done = run(sys.executable, "-W", "ignore", "-c", ask, **PRODUCTION, REDIS_CA_FILE="/etc/ca.pem")
    assert done.stdout.strip() == (
        "rediss://:x@127.0.0.1:1/0?ssl_cert_reqs=required&ssl_check_hostname=true&ssl_ca_certs=/etc/ca.pem"
    )


def test_production_values_pass_the_deployment_check() -> None:
    done = check_deploy()
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("SECRET_KEY", "changeme", "barista.E001"),
        ("SECRET_KEY", "", "SECRET_KEY"),
        ("ALLOWED_HOSTS", "*", "barista.E002"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "barista.E003"),
        ("REDIS_URL", "rediss://:x@127.0.0.1:1/0?ssl_cert_reqs=none", "barista.E009"),
        ("DATABASE_URL", "postgres://barista_owner:x@127.0.0.1:1/barista", "barista.E004"),
        ("BARISTA_METRICS_TOKEN", "short", "barista.E005"),
    ],
)
def test_production_refuses_weak_values(name: str, value: str, code: str) -> None:
    done = check_deploy(**{name: value})
    assert done.returncode != 0
    assert code in done.stderr


STARTS = {
    "web": ("-c", "import baristaweb.wsgi"),
    "worker": ("-m", "celery", "-A", "baristaweb", "worker", "--pool", "solo"),
    "relay": ("manage.py", "relay"),
    "watch": ("manage.py", "watch"),
}


@pytest.mark.parametrize("name", STARTS)
def test_no_process_starts_in_production_with_weak_values(name: str) -> None:
    done = run(sys.executable, "-W", "ignore", *STARTS[name], **PRODUCTION | {"SECRET_KEY": "changeme"})
    assert done.returncode != 0
    assert "SECRET_KEY is shorter than 50 characters" in done.stderr


def test_the_web_process_starts_with_production_values() -> None:
    done = run(sys.executable, "-W", "ignore", *STARTS["web"], **PRODUCTION)
    assert done.returncode == 0, done.stderr[-2000:]

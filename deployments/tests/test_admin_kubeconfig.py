"""The admin refuses a kubeconfig that workers would not use, and repeats nothing of what it holds."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from django.conf import LazySettings

from deployments.forms.admin.cluster import ClusterForm

pytestmark = pytest.mark.django_db

KUBECONFIG = """
current-context: c
contexts: [{name: c, context: {cluster: c}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
"""


def told(path: str) -> str:
    """What the form says of the path."""
    form = ClusterForm({"slug": "eu", "name": "EU", "access": "kubeconfig", "provider": "other", "kubeconfig": path})
    return str(form.errors.get("kubeconfig", [""])[0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "not there yet or cannot be read"),
        ("clusters: {{{ s3cr3t", "It is not YAML (line"),
        ("just words", "no kubeconfig"),
        (KUBECONFIG.replace("cluster: c}", "cluster: c, user: u}")
         + "users: [{name: u, user: {exec: {command: sh, args: [-c, 'touch s3cr3t']}}}]", "plugin that is not allowed"),
        (KUBECONFIG.replace("cluster: c}", "cluster: c, user: u}")
         + "users: [{name: u, user: {auth-provider: {name: gcp, config: {cmd-path: s3cr3t}}}}]", "auth-provider"),
        ("fifo", "no regular file"),
        ("link", "leads out of"),
    ],
)  # fmt: skip
def test_a_kubeconfig_that_workers_would_not_use_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "config"
    if content == "fifo":
        os.mkfifo(file)
    elif content == "link":
        file.symlink_to("/etc/hostname")
    elif content is not None:
        file.write_text(content)
    found = told(str(file))
    assert words in found
    assert "s3cr3t" not in found


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "/tmp/../etc/passwd", "/tmpx/config"])
def test_a_kubeconfig_outside_of_the_folder_is_refused(path: str) -> None:
    assert "must be a file below" in told(path)


def test_a_good_kubeconfig_is_taken(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(KUBECONFIG)
    assert told(str(tmp_path / "config")) == ""


def test_a_folder_that_the_web_may_not_see_is_left_to_the_workers(tmp_path: Path, settings: LazySettings) -> None:
    settings.BARISTA = dataclasses.replace(settings.BARISTA, kubeconfig_root=tmp_path / "of-the-workers")
    assert told(str(tmp_path / "of-the-workers" / "config")) == ""
    assert "must be a file below" in told(str(tmp_path / "config"))

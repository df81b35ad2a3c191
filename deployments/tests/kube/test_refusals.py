"""Every way a cluster can refuse becomes one of our exceptions, in words, without secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from deployments.kube.api import (
    ClusterError,
    Conflict,
    ErrorClass,
    FieldConflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Throttled,
    Unauthorized,
    Unreachable,
)
from deployments.kube.redact import LIMIT, redact
from deployments.kube.refusals import refusal, retry_after_s


def status(code: int, message: str, **fields: Any) -> bytes:
    return json.dumps({"kind": "Status", "code": code, "message": message, **fields}).encode()


@pytest.mark.parametrize(
    ("code", "body", "headers", "expected", "error_class"),
    [
        (400, status(400, "bad"), {}, Invalid, ErrorClass.PERMANENT),
        (401, status(401, "Unauthorized"), {}, Unauthorized, ErrorClass.CREDENTIALS),
        (403, status(403, "exceeded quota"), {}, Forbidden, ErrorClass.PERMANENT),
        (404, status(404, "not found"), {}, NotFound, ErrorClass.PERMANENT),
        (409, status(409, "the object has been modified"), {}, Conflict, ErrorClass.RACE),
        (410, status(410, "too old"), {}, Gone, ErrorClass.RACE),
        (413, b"", {}, Invalid, ErrorClass.PERMANENT),
        (422, status(422, "Invalid value"), {}, Invalid, ErrorClass.PERMANENT),
        (429, b"", {"Retry-After": "7"}, Throttled, ErrorClass.PRESSURE),
        (500, status(500, "etcd"), {}, Unreachable, ErrorClass.TRANSIENT),
        (500, status(500, "failed to create typed patch object: field x"), {}, Invalid, ErrorClass.PERMANENT),
        (500, status(500, 'Internal error: failed calling webhook "x.y"'), {}, Invalid, ErrorClass.PERMANENT),
        (502, b"<html>Bad gateway</html>", {}, Unreachable, ErrorClass.TRANSIENT),
        (503, b"", {}, Unreachable, ErrorClass.TRANSIENT),
        (503, b"", {"Retry-After": "2"}, Throttled, ErrorClass.PRESSURE),
        (302, b"", {}, Unreachable, ErrorClass.TRANSIENT),
        (500, b"[1]", {}, Unreachable, ErrorClass.TRANSIENT),
    ],
)
def test_class_of_an_answer(
    code: int, body: bytes, headers: dict[str, str], expected: type[ClusterError], error_class: ErrorClass
) -> None:
    error = refusal(code, body, headers)

    assert type(error) is expected
    assert error.error_class is error_class
    assert str(error)
    assert "<html" not in str(error)


def test_held_fields_are_named() -> None:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl-edit" using apps/v1 at 2026-01-01T00:00:00Z',
            "field": ".spec.paused",
        },
        {"reason": "FieldManagerConflict", "message": "strange", "field": ".spec.x"},
        {"reason": "Other", "message": 'conflict with "nobody"', "field": ".spec.y"},
    ]
    error = refusal(409, status(409, "Apply failed with 2 conflicts", details={"causes": causes}), {})

    assert isinstance(error, FieldConflict)
    assert [(item.path, item.manager) for item in error.fields] == [
        (".spec.paused", "kubectl-edit"),
        (".spec.x", "someone"),
    ]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1", 1.0), ("3600", 60.0), ("0", 0.5), ("garbage", 5.0), ("", 5.0), (None, 5.0), ("-3", 5.0), ("9" * 400, 60.0)],
)
def test_retry_after(value: str | None, seconds: float) -> None:
    assert retry_after_s(value) == seconds


def test_retry_after_as_a_date() -> None:
    assert 15 < retry_after_s(format_datetime(datetime.now(UTC) + timedelta(seconds=20))) <= 20


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
        ("token eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJhdWQiOlsi.c2lnbmF0dXJl is bad", "eyJhbGciOiJSUzI1NiIsImtpZCI6"),
        ('{"password": "hunter22"}', "hunter22"),
        ("client-key-data: LS0tLS1CRUdJTg", "LS0tLS1CRUdJTg"),
        ("https://user:hunter22@proxy.example.org/", "hunter22"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "MIIabc"),
    ],
)
def test_no_credential_survives(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)


def test_messages_are_short_and_printable() -> None:
    clean = redact("é" * 1_000_000 + "\x00\x1b[31m\u202e")

    assert len(clean.encode()) <= LIMIT
    assert redact("a\x00b\x1bc\u202ed") == "a b c d"

"""Objects of a remote store between two names, asked for from the first of them on: Arrow lists whole folders only.

Names are in the order of their bytes, as both stores list them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import botocore.exceptions
import google.auth
import google.auth.exceptions
import requests
from botocore.config import Config
from botocore.session import Session
from google.auth.transport.requests import AuthorizedSession

from observability.store.files import short

PAGE: Final = 1_000
READ_ONLY: Final = "https://www.googleapis.com/auth/devstorage.read_only"
GOOGLE: Final = "https://storage.googleapis.com"
NAMED: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
)
TIMEOUT_S: Final = (10, 60)  # to connect, to read
Found = tuple[str, int, int]  # name in the bucket, bytes, nanoseconds since 1970 of its last change as Arrow tells it


class ListingError(OSError):
    """The store did not answer, or refused; the message says what it said."""


def names_after(scheme: str, bucket: str, folder: str, after: str, *, is_deep: bool) -> Iterator[Found]:
    """Objects whose names begin with `folder` and come after `after`, page by page. `scheme`: s3 or gs.

    The environment says with what key, as for Arrow. Raises ListingError.
    """
    pages = _s3(bucket, folder, after, is_deep) if scheme == "s3" else _gs(bucket, folder, after, is_deep)
    try:
        yield from pages
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise ListingError(short(error)) from None
    except (requests.RequestException, google.auth.exceptions.GoogleAuthError, ValueError) as error:
        raise ListingError(short(error)) from None


def _s3(bucket: str, folder: str, after: str, is_deep: bool) -> Iterator[Found]:
    client = _client(*(os.environ.get(name, "") for name in NAMED))
    asked = {"Bucket": bucket, "Prefix": folder, "StartAfter": after, "Delimiter": "" if is_deep else "/"}
    for page in client.get_paginator("list_objects_v2").paginate(**asked):
        for one in page.get("Contents", ()):
            # As Arrow tells it of the object itself: S3 lists fractions of a second that it does not tell there.
            yield one["Key"], one["Size"], int(one["LastModified"].timestamp()) * 1_000_000_000


@lru_cache(maxsize=8)
def _client(*named: str) -> Any:
    """A client with what the environment names; it takes a fifth of a second to make."""
    told = dict(zip(NAMED, named, strict=True))
    is_other = bool(told["AWS_ENDPOINT_URL_S3"] or told["AWS_ENDPOINT_URL"])
    # Services other than Amazon's have no names of their own for each bucket, nor regions to be told.
    style, region = ("path", told["AWS_REGION"] or "us-east-1") if is_other else ("auto", None)
    config = Config(
        connect_timeout=TIMEOUT_S[0],
        read_timeout=TIMEOUT_S[1],
        retries={"mode": "standard", "total_max_attempts": 3},
        s3={"addressing_style": style},
    )
    return Session().create_client("s3", region_name=region, config=config)


def _gs(bucket: str, folder: str, after: str, is_deep: bool) -> Iterator[Found]:
    session, address = _google()
    asked: dict[str, Any] = {
        "prefix": folder,
        "startOffset": after or folder,
        "maxResults": PAGE,
        "fields": "items(name,size,timeCreated),nextPageToken",
    } | ({} if is_deep else {"delimiter": "/"})
    with session:
        while True:
            where = f"{address}/storage/v1/b/{quote(bucket, safe='')}/o"
            answer = session.get(where, params=asked, timeout=TIMEOUT_S)
            if answer.status_code != requests.codes.ok:
                raise ListingError(f"HTTP status {answer.status_code} {answer.reason}")
            told = answer.json()
            for one in told.get("items", ()):
                if one["name"] != after:  # startOffset is told too
                    yield one["name"], int(one["size"]), _nanoseconds(one["timeCreated"])
            if not told.get("nextPageToken"):
                return
            asked["pageToken"] = told["nextPageToken"]


def _google() -> tuple[requests.Session, str]:
    """A session with Google's default credentials, or an emulator's without any; the service's address."""
    if emulator := os.environ.get("STORAGE_EMULATOR_HOST"):
        return requests.Session(), (emulator if "://" in emulator else f"http://{emulator}").rstrip("/")
    credentials, _ = google.auth.default(scopes=[READ_ONLY])
    return AuthorizedSession(credentials), GOOGLE  # type: ignore[no-untyped-call]  # google-auth has no types


def _nanoseconds(text: str) -> int:
    """Of a time like 2026-11-22T00:00:00.123Z, as exact as it is written."""
    whole, _, rest = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * 1_000_000_000 + int(rest.ljust(9, "0")[:9] or 0)

"""The queue as workers read it: kombu's Redis transport, which a bad message or a lost acknowledgement cannot end.

Kombu raises on a message that is not its own JSON, which ends the worker. And an acknowledgement that timed out leaves
its slot taken for good: after as many of them as the worker has slots it never asks for a message again, though its
connection is well. Rows are the intent, so that both may be dropped: whatever is due is asked for again.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from queue import Empty
from typing import Any, Final

import structlog
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import Channel as RedisChannel
from kombu.transport.redis import QoS as RedisQoS
from kombu.transport.redis import Transport as RedisTransport
from kombu.transport.virtual import QoS as AnyQoS

log = structlog.get_logger(__name__)

# A hash in the queue's own database: how many messages of each queue were rejected.
REJECTED: Final = "barista.rejected"


class Malformed(ValueError):
    """A message that no sender of ours wrote; the text says why."""


class Slots(RedisQoS):
    """A slot is free again whatever becomes of the acknowledgement: at worst the message comes once more."""

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        finally:
            AnyQoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]
        finally:
            AnyQoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]


class Channel(RedisChannel):
    QoS = Slots

    def _brpop_read(self, **options: Any) -> bool:
        """As in kombu, but what is no message is counted and dropped."""
        try:
            try:
                answer = self.client.parse_response(self.client.connection, "BRPOP", **options)
            except self.connection_errors:
                self.client.connection.disconnect()
                raise
            if not answer:
                raise Empty
            queue, item = _text(answer[0]).rsplit(self.sep, 1)[0], answer[1]
            self._queue_cycle.rotate(queue)
            self._take(queue, item)
            return True
        finally:
            self._in_poll = None  # type: ignore[assignment]
            self._flush_brpop_reauth()  # type: ignore[no-untyped-call]

    def _take(self, queue: str, item: bytes | str) -> None:
        tag = ""
        try:
            message = read(item)
            tag = message["properties"]["delivery_tag"]
            self.connection._deliver(message, queue)
        except (*self.connection.connection_errors, *self.connection.channel_errors):
            raise
        except Exception as problem:
            self._rejected(queue, tag, problem)

    def _rejected(self, queue: str, tag: str, problem: Exception) -> None:
        log.warning("message_rejected", queue=queue, problem=f"{type(problem).__name__}: {problem}"[:300])
        if tag in self.qos._delivered:
            self.qos.reject(tag)
        with self.conn_or_acquire() as client:
            client.hincrby(REJECTED, queue, 1)


class Transport(RedisTransport):
    Channel = Channel


def use() -> None:
    """Have every connection of this process read the queue so, by the schemes of its addresses."""
    TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = f"{__name__}:Transport"


def read(item: bytes | str) -> dict[str, Any]:
    """The message, if Celery can have written it. Raises Malformed."""
    try:
        message = json.loads(item)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("headers"), dict):
        raise Malformed("not an object with headers")
    properties = message.get("properties")
    if not isinstance(properties, dict) or not isinstance(properties.get("delivery_tag"), str):
        raise Malformed("no delivery tag")
    delivery = properties.get("delivery_info")
    if not isinstance(delivery, dict) or not _are_text(delivery, "exchange", "routing_key"):
        raise Malformed("no delivery information")
    if not _are_text(message, "body", "content-type", "content-encoding") or not _are_text(message["headers"], "task"):
        raise Malformed("no task or no body")
    try:
        if properties.get("body_encoding") == "base64":
            base64.b64decode(message["body"])
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"not base64: {error}") from error
    return message


def _are_text(found: Mapping[str, object], *names: str) -> bool:
    return all(isinstance(found.get(name), str) for name in names)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value

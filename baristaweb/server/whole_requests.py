"""gunicorn's threaded worker, but a thread gets a request only when all of it has arrived.

As gunicorn has it, a connection takes a thread while its headers and its body come in and while its answer is read,
and the loop itself while it closes: as many slow clients as there are threads stop the site. Here the loop does all of
that, without blocking and against deadlines. Why this and no other server: docs/decisions/0009-whole-requests.md.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from baristaweb.server.framing import Frame, Refused, frame
from baristaweb.server.outgoing import Outgoing

HEAD_S = 10.0  # from the first byte, or from the connection, to the end of the headers
BODY_S = 30.0  # from there to the end of the body
ANSWER_S = 120.0  # from the whole request to the end of its view, and from there to the last byte of its answer
STALLED_S = 5  # a thread waits this long for one read or write of a socket
LINGER_S = 2.0  # a closed connection is emptied this long, so that its client gets the last bytes of the answer
UNREAD_LIMIT = 64 * 1024 * 1024  # bytes of unfinished requests that a process holds
UNSENT_LIMIT = 64 * 1024 * 1024  # bytes of answers that nobody reads, likewise
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(TConn):  # type: ignore[misc]  # gunicorn is untyped
    """One client. `arrived` is the whole request that its thread will parse."""

    arrived: bytes = b""

    def init(self) -> None:
        super().init()
        if self.arrived:
            self.parser.unreader.unread(self.arrived)
            self.arrived = b""


@dataclass(eq=False, slots=True)
class Arrival:
    """A request of which some is missing."""

    connection: Connection
    until: float
    data: bytearray = field(default_factory=bytearray)
    searched: int = 0
    frame: Frame | None = None

    def take(self, data: bytes) -> None:
        """More of it. Raises Refused."""
        self.data += data
        if self.frame is None:
            while self.data[:2] == b"\r\n":  # allowed before a request, and no end of a head
                del self.data[:2]
            self.frame = frame(self.data, self.searched)
            self.searched = len(self.data)

    @property
    def is_whole(self) -> bool:
        return self.frame is not None and len(self.data) >= self.frame.whole


@dataclass(eq=False, slots=True)
class Answer:
    """What its view is done with and its reader has not read; `result` is what the thread ended with."""

    until: float
    size: int
    result: Any


class WholeRequests(ThreadWorker):  # type: ignore[misc]
    """The worker class of baristaweb/serving.py. It runs behind TLS, not as its end, and speaks HTTP/1."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arrivals: dict[Connection, Arrival] = {}  # the oldest first, as both that follow
        self.closing: dict[Connection, float] = {}
        self.answering: dict[Connection, float] = {}
        self.sending: dict[Connection, Answer] = {}
        self.unread_bytes = self.unsent_bytes = 0

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        if cfg.is_ssl:
            raise ValueError("Put a proxy in front that speaks TLS: this worker does not.")
        super().check_config(cfg, log)

    # A connection begins

    def accept(self, listener: Any) -> None:
        try:
            client, address = listener.accept()
        except OSError as problem:
            if problem.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        patience = struct.pack("ll", STALLED_S, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        self.nr_conns += 1
        connection = Connection(self.cfg, Outgoing(client), address, listener.getsockname())
        connection.data_ready = True
        self.enqueue_req(connection)
        self._make_room()

    def _make_room(self) -> None:
        """Who has waited longest goes first, so that many who wait keep nobody out."""
        while self.nr_conns >= self.worker_connections and self.keepalived_conns:
            connection = self.keepalived_conns.popleft()
            self._forget(connection)
            self._close(connection)
        while self.sending and self.nr_conns >= self.worker_connections and not self.arrivals:
            self._stop_sending(next(iter(self.sending)))
        while self.arrivals and (self.nr_conns >= self.worker_connections or self.unread_bytes > UNREAD_LIMIT):
            self._give_up(next(iter(self.arrivals.values())))

    # A request arrives

    def enqueue_req(self, conn: Connection) -> None:
        """Called by gunicorn when there is something to read: of a new client, or of one that was kept."""
        arrival = Arrival(conn, time.monotonic() + HEAD_S)
        self.arrivals[conn] = arrival
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, EVENT_READ, partial(self._read, arrival))
        # What came along with the request before.
        left = conn.parser.unreader.take_buffered() if conn.parser else b""
        if left:
            self._take(arrival, left)
        else:
            self._read(arrival, conn.sock)

    def _read(self, arrival: Arrival, sock: Any) -> None:
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take(arrival, data)
        else:
            self._leave(arrival)
            self._close(arrival.connection)

    def _take(self, arrival: Arrival, data: bytes) -> None:
        had_head = arrival.frame is not None
        before = len(arrival.data)
        try:
            arrival.take(data)
        except Refused as refused:
            self.unread_bytes += len(arrival.data) - before
            self._refuse(arrival, refused)
            return
        self.unread_bytes += len(arrival.data) - before
        if arrival.is_whole:
            self._leave(arrival)
            self._answer(arrival)
            return
        if arrival.frame is not None and not had_head:
            arrival.until = time.monotonic() + BODY_S
            if arrival.frame.waits_for_100:
                with contextlib.suppress(OSError):
                    arrival.connection.sock.send(CONTINUE)
        if self.unread_bytes > UNREAD_LIMIT:
            self._make_room()

    def _leave(self, arrival: Arrival) -> None:
        del self.arrivals[arrival.connection]
        self.unread_bytes -= len(arrival.data)
        self._forget(arrival.connection)

    def _answer(self, arrival: Arrival) -> None:
        connection = arrival.connection
        connection.arrived = bytes(arrival.data)
        self.answering[connection] = time.monotonic() + ANSWER_S
        super().enqueue_req(connection)

    # It is answered, refused, or given up

    def handle_request(self, req: Any, conn: Connection) -> Any:
        try:
            return super().handle_request(req, conn)
        except BlockingIOError:
            # The reader took nothing for STALLED_S: no error of ours.
            raise StopIteration from None

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """As gunicorn's, but neither a slow reader nor a connection that ends stops the loop."""
        self.answering.pop(conn, None)
        if not conn.sock.unsent:
            self._finish(conn, fs)
            return
        conn.sock.setblocking(False)
        self.sending[conn] = Answer(time.monotonic() + ANSWER_S, len(conn.sock.unsent), fs)
        self.unsent_bytes += len(conn.sock.unsent)
        self.poller.register(conn.sock, EVENT_WRITE, partial(self._send, conn))
        while self.unsent_bytes > UNSENT_LIMIT:
            self._stop_sending(next(iter(self.sending)))

    def _finish(self, connection: Connection, result: Any) -> None:
        if not result.cancelled() and result.exception() is None and result.result():
            super().finish_request(connection, result)
        else:
            self._linger(connection)

    def _send(self, connection: Connection, sock: Any) -> None:
        try:
            if not sock.send_some():
                return
        except OSError:
            self._stop_sending(connection)
            return
        result = self._sent(connection).result
        self._finish(connection, result)

    def _sent(self, connection: Connection) -> Answer:
        answer = self.sending.pop(connection)
        self.unsent_bytes -= answer.size
        self._forget(connection)
        return answer

    def _stop_sending(self, connection: Connection) -> None:
        self._sent(connection)
        self._close(connection)

    def _refuse(self, arrival: Arrival, refused: Refused) -> None:
        self._leave(arrival)
        text = f"{refused.text}\n".encode()
        head = (
            f"HTTP/1.1 {refused.status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(text)}\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            arrival.connection.sock.send(head.encode() + text)
        self._linger(arrival.connection)

    def _give_up(self, arrival: Arrival) -> None:
        if arrival.data:
            self._refuse(arrival, Refused("408 Request Timeout", "The request did not arrive in time."))
        else:
            self._leave(arrival)
            self._close(arrival.connection)

    def _linger(self, connection: Connection) -> None:
        try:
            connection.sock.setblocking(False)
            connection.sock.shutdown(socket.SHUT_WR)
            self.poller.register(connection.sock, EVENT_READ, partial(self._empty, connection))
        except (OSError, ValueError):
            self._close(connection)
            return
        self.closing[connection] = time.monotonic() + LINGER_S

    def _empty(self, connection: Connection, sock: Any) -> None:
        try:
            if sock.recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._end(connection)

    def _end(self, connection: Connection) -> None:
        del self.closing[connection]
        self._forget(connection)
        self._close(connection)

    def _forget(self, connection: Connection) -> None:
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(connection.sock)

    def _close(self, connection: Connection) -> None:
        self.nr_conns -= 1
        connection.close()

    # Time passes; the loop comes here at least once a second

    def murder_pending(self) -> None:
        at = time.monotonic()
        for arrival in [arrival for arrival in self.arrivals.values() if arrival.until < at]:
            self._give_up(arrival)
        for connection in [connection for connection, until in self.closing.items() if until < at]:
            self._end(connection)
        for connection in [connection for connection, answer in self.sending.items() if answer.until < at]:
            self._stop_sending(connection)
        for connection in [connection for connection, until in self.answering.items() if until < at]:
            # Its thread is writing: that fails now, and finish_request does the rest.
            self.answering[connection] = at + ANSWER_S
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _cap_keepalive(self, deadline: float) -> None:
        """The process stops: who has sent nothing yet is not waited for longer than who is kept."""
        super()._cap_keepalive(deadline)
        for arrival in self.arrivals.values():
            if not arrival.data:
                arrival.until = min(arrival.until, deadline)

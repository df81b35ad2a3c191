"""A client's socket as a thread sees it: writing to it hardly ever waits.

What the kernel does not take at once is kept, for the loop to send while the thread answers somebody else.
"""

from __future__ import annotations

import os
import socket
from typing import Any

KEPT_LIMIT = 4 * 1024 * 1024  # of a longer answer, its thread sends the beginning itself
PIECE = 1024 * 1024  # of a file, read at once


class Outgoing:
    """Everything of the socket but `sendall` and `sendfile`. `unsent` is what is still to be sent."""

    def __init__(self, sock: socket.socket) -> None:
        self.raw = sock
        self.unsent = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    def sendall(self, data: Any) -> None:
        self.unsent += data
        if len(self.unsent) > KEPT_LIMIT:
            self.raw.sendall(self.unsent)
            self.unsent.clear()
        else:
            self.send_some()

    def sendfile(self, file: Any, offset: int, count: int) -> None:
        """`count` bytes of a file. The kernel's own way would hold the thread while its reader reads."""
        while count > 0 and (piece := os.pread(file.fileno(), min(count, PIECE), offset)):
            self.sendall(piece)
            offset, count = offset + len(piece), count - len(piece)

    def send_some(self) -> bool:
        """Send what can be sent now; True when nothing is left. Raises OSError when the client is gone."""
        while self.unsent:
            try:
                sent = self.raw.send(self.unsent, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            del self.unsent[:sent]
        return True

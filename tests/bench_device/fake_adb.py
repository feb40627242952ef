"""An adb server with one phone, whose services answer what a test says."""

from __future__ import annotations

import contextlib
import socket

from tests.data.raw_server import RawServer

SERIAL = "A1"


class FakeAdb(RawServer):
    """Listens at `port`. After the request of a service come `answer`, and `more` for ever.

    `delay` is the seconds between two pieces of `more`; `raw` stands for all that it says.
    """

    def __init__(self) -> None:
        super().__init__()
        self.raw: bytes | None = None

    def _serve(self, connection: socket.socket) -> None:
        with (
            contextlib.suppress(OSError, ValueError),
            connection,
            connection.makefile("rb") as asked,
        ):
            connection.settimeout(10)
            while size := asked.read(4):
                request = asked.read(int(size, 16))
                if self.raw is not None:
                    connection.sendall(self.raw)
                    return
                connection.sendall(b"OKAY")
                if request == b"host:devices":
                    listing = f"{SERIAL}\tdevice\n".encode()
                    connection.sendall(b"%04x" % len(listing) + listing)
                    return
                if request.startswith(b"host:transport"):
                    continue
                if request.startswith(b"sync:"):
                    asked.read(8)
                connection.sendall(self.answer)
                for piece in self._pieces():
                    connection.sendall(piece)
                return

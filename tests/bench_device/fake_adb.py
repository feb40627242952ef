"""An adb server with one phone, whose services answer what a test says."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

SERIAL = "A1"


class FakeAdb:
    """Listens at `port`. After the request of a service come `answer`, and `more` for ever.

    `delay` is the seconds between two pieces of `more`; `raw` stands for all that it says.
    """

    def __init__(self) -> None:
        self.answer, self.more, self.delay = b"", b"", 0.0
        self.raw: bytes | None = None
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> FakeAdb:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._over.set()
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

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
                while self.more and not self._over.wait(self.delay):
                    connection.sendall(self.more)
                return

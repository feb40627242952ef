"""A server that answers any request with the bytes it was given, as slowly as it is told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from types import TracebackType


class RawServer:
    """Answers every connection with `answer`, then with `more` again and again, and closes.

    `delay` is the seconds between two pieces of `more`.
    """

    def __init__(self, answer: bytes = b"", more: bytes = b"", delay: float = 0.0) -> None:
        self.answer, self.more, self.delay = answer, more, delay
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/file"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> RawServer:
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
        with contextlib.suppress(OSError), connection:
            connection.settimeout(5)
            connection.recv(65536)
            connection.sendall(self.answer)
            for piece in self._pieces():
                connection.sendall(piece)

    def _pieces(self) -> Iterator[bytes]:
        while self.more and not self._over.wait(self.delay):
            yield self.more

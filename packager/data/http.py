"""One HTTP response, with a lower bound on its speed.

A timeout of a socket is between two pieces: a server that sends a byte a second, or heads without
end, never runs into it. So the connection is ended from outside when it has brought too little.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

TIMEOUT = (10.0, 30.0)  # seconds to connect, seconds between two pieces
PIECE = 1 << 16  # bytes
PIECE_SECONDS = 60.0  # for each of them: 1 kB a second at least, heads and redirects included


class TransferError(Exception):
    """Why nothing more came, and whether the same again is pointless.

    `status` is the server's answer, where there was one.
    """

    def __init__(self, reason: str, *, final: bool = False, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.final, self.status = reason, final, status


_REASONS = {  # by the name of the exception that requests raises
    "ConnectTimeout": "no answer in time",
    "ReadTimeout": "no answer in time",
    "ConnectionError": "no connection",
    "ProxyError": "the proxy gave no connection",
    "SSLError": "the server's certificate was not accepted",
    "ChunkedEncodingError": "the connection broke off",
    "InvalidSchema": "it leads to an address that is not http or https",
    "TooManyRedirects": "it redirects in circles",
    "InvalidURL": "this is not an address",
    "MissingSchema": "this is not an address",
    "LocationParseError": "this is not an address",
    "InvalidHeader": "the server's answer contradicts itself",
    "UnicodeDecodeError": "the server's answer leads to no address",
}
_FINAL = {
    "InvalidSchema", "TooManyRedirects", "InvalidURL", "MissingSchema", "LocationParseError",
    "InvalidHeader", "UnicodeDecodeError",
}  # fmt: skip


def pieces(
    url: str,
    headers: dict[str, str],
    answered: Callable[[Any], None],
    *,
    seconds: float | None = None,
) -> Iterator[bytes]:
    """The body of the answer to a GET, after redirects.

    Args:
        url: an http or https address; headers: of the request.
        answered: called with each answer's head (of `requests`), before its body is read.
        seconds: that each 64 KiB may take; `PIECE_SECONDS` when None.

    Raises:
        TransferError: the address, the server or the network.
    """
    import requests
    import urllib3

    with _Watch(PIECE_SECONDS if seconds is None else seconds) as watch:
        try:
            with (
                _session(watch) as session,
                session.get(
                    url, headers=headers, stream=True, timeout=TIMEOUT,
                    hooks={"response": lambda response, *_, **__: answered(response)},
                ) as response,
            ):  # fmt: skip
                status = response.status_code
                if status >= 400:
                    again = status >= 500 or status in (408, 416, 429)
                    reason = f"the server answered {status} {response.reason!s:.100}"
                    raise TransferError(reason, final=not again, status=status)
                body = response.iter_content(PIECE)
                while (piece := next(body, None)) is not None:
                    watch.heard(len(piece))
                    yield piece
                if watch.ended:  # which is where a body without a length ends, too
                    raise watch.error()
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError,
                LookupError, AttributeError) as error:  # fmt: skip
            # The last three come from heads and bodies that the libraries didn't expect.
            if watch.ended:
                raise watch.error() from error
            name = type(error).__name__
            reason = _REASONS.get(name, " ".join(str(error).split())[:200] or name)
            raise TransferError(reason, final=name in _FINAL) from error


class _Watch:
    """Ends the connections it was told of once nothing was heard for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.ended = seconds, False
        self._heard, self._count, self._over = time.monotonic(), 0, threading.Event()
        self._held: list[socket.socket] = []

    def __enter__(self) -> _Watch:
        threading.Thread(target=self._wait, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for held in self._held:
            held.close()

    def heard(self, count: int) -> None:
        self._count += count
        if self._count >= PIECE:  # chunks may be of a byte each
            self._heard, self._count = time.monotonic(), 0

    def error(self) -> TransferError:
        return TransferError(f"it sends less than {PIECE / self.seconds:,.0f} bytes a second")

    def hold(self, connection: socket.socket) -> None:
        """A duplicate is kept: TLS takes the first one away."""
        self._held.append(connection.dup())

    def _wait(self) -> None:
        while (left := self._heard + self.seconds - time.monotonic()) > 0:
            if self._over.wait(left):
                return
        self.ended = True
        while not self._over.is_set():  # a redirect may open another one
            for held in list(self._held):
                with contextlib.suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)
            self._over.wait(0.5)


def _session(watch: _Watch) -> Any:
    """A session of `requests` whose connections the watch knows of."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    def watched(pool: Any, connection: Any) -> Any:
        def new(self: Any) -> Any:
            made = connection._new_conn(self)
            watch.hold(made)
            return made

        kind = type(connection.__name__, (connection,), {"_new_conn": new})
        return type(pool.__name__, (pool,), {"ConnectionCls": kind})

    pools = {
        "http": watched(HTTPConnectionPool, HTTPConnection),
        "https": watched(HTTPSConnectionPool, HTTPSConnection),
    }

    class Adapter(HTTPAdapter):  # type: ignore[misc]
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(*args, **kwargs)
            manager.pool_classes_by_scheme = pools
            return manager

    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter())
    return session

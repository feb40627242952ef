"""Removes what a run leaves on a phone, however the run ends."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator

from packager.bench.phone import Phone, PhoneLostError
from packager.errors import DeviceError
from packager.progress import Progress

_SECONDS = 30


@contextlib.contextmanager
def cleaned(phone: Phone, progress: Progress) -> Iterator[Callable[..., None]]:
    """Yields a function that registers a clean-up command; the last registered runs first.

    A lost phone can't be cleaned: the user is told the commands instead.
    """
    noted: list[tuple[str, ...]] = []
    try:
        yield lambda *command: noted.append(command)
    finally:
        while noted:
            command = noted.pop()
            try:
                phone.run(*command, seconds=_SECONDS)
            except PhoneLostError:
                left = [shlex.join(each) for each in (command, *reversed(noted))]
                progress.warn(
                    "files of packager are still on the phone. When it is connected again, run: "
                    + "; ".join(f"adb -s {phone.serial} shell {each}" for each in left)
                )
                break
            except DeviceError as error:
                progress.warn(f"{shlex.join(command)} did not end on the phone: {error.what}")

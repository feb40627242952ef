"""What a run leaves on a phone, taken away however the run ends."""

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
    """Gives a function that notes a command for the end; the last noted runs first.

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
                    "what was put on the phone is still there. When it is back: "
                    + "; ".join(f"adb -s {phone.serial} shell {each}" for each in left)
                )
                break
            except DeviceError as error:
                progress.warn(f"{shlex.join(command)} did not end on the phone: {error.what}")

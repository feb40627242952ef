"""Reads whole files: only regular ones, and only up to a size.

A FIFO never ends or never begins, a device gives zeros for ever, a sparse file claims to be as
large as a disk: none of them is opened for reading here.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

MODEL_BYTES = 2 << 30  # a flatbuffer's offsets reach no further
RECORD_BYTES = 256 << 20  # JSON; a report of 20,000 classes and photos has some MB
TEXT_BYTES = 16 << 20  # labels, scripts
_KINDS = (
    (stat.S_ISDIR, errno.EISDIR, "it is a folder"),
    (stat.S_ISFIFO, errno.EINVAL, "it is a pipe, not a file"),
    (stat.S_ISSOCK, errno.EINVAL, "it is a socket, not a file"),
    (stat.S_ISCHR, errno.EINVAL, "it is a device, not a file"),
    (stat.S_ISBLK, errno.EINVAL, "it is a device, not a file"),
)


def open_file(path: Path, most: int) -> BinaryIO:
    """Opens a regular file of at most `most` bytes; the caller closes it.

    Raises `OSError`, whose `strerror` says what is wrong: it isn't there, is no regular file, or
    is too large.
    """
    # Without O_NONBLOCK, opening a FIFO waits for its writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except ValueError:  # a null byte in the path
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from None
    try:
        found = os.fstat(handle)
        for is_kind, code, what in _KINDS:
            if is_kind(found.st_mode):
                raise OSError(code, what, str(path))
        if found.st_size > most:
            what = f"it has {found.st_size / 1e6:,.0f} MB, and at most {most / 1e6:,.0f} are read"
            raise OSError(errno.EFBIG, what, str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_file(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes. Raises `OSError` as `open_file`."""
    with open_file(path, most) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)
        if len(content) > size:  # it grew meanwhile, or is one of /proc's, which have no size
            content += file.read(most + 1 - len(content))
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most / 1e6:,.0f} MB", str(path))
    return content


def read_entry(archive: ZipFile, entry: ZipInfo) -> bytes:
    """A file in an archive, no longer than the archive's list says.

    `ZipFile.read` unpacks up to 2 GB before it looks at that length. Raises what zipfile raises.
    """
    with archive.open(entry) as packed:
        return packed.read(entry.file_size + 1)

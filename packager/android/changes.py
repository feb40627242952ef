"""Whether a person has worked on a generated project."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

# What Gradle and Android Studio leave behind, and no person wrote.
_LEFTOVERS = frozenset({"build", ".gradle", ".idea", ".kotlin", ".cxx", "local.properties"})


def fingerprint(folder: Path) -> str:
    """SHA-256 in hex over the names and contents of all files but what builds leave behind."""
    digest = hashlib.sha256()
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - _LEFTOVERS)
        for name in sorted(set(names) - _LEFTOVERS):
            path = Path(root, name)
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()}\n{content}\n".encode())
    return digest.hexdigest()

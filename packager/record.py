"""Results as JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any


def as_json(value: Any) -> str:
    """Indented JSON of dataclasses, paths and what JSON knows itself; ends with a newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")

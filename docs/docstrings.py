"""What the API's pages take of the code's docstrings and types."""

from __future__ import annotations

import re
from typing import Any

import griffe

_SEVERAL = re.compile(r"^(    +)((?:\w+, )+)(\w+)(?=: )", re.MULTILINE)


class PlainDocs(griffe.Extension):
    """Types without what stands beside them in `Annotated`; a line for each of several names.

    A setting's `Annotated` has its option, which is on the command's page.
    """

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        annotation = attr.annotation
        if isinstance(annotation, griffe.ExprSubscript) and str(annotation.left) == "Annotated":
            inside = annotation.slice
            if isinstance(inside, griffe.ExprTuple):
                attr.annotation = inside.elements[0]

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _SEVERAL.sub(_a_line_each, obj.docstring.value)


def _a_line_each(found: re.Match[str]) -> str:
    indent, others, last = found.groups()
    lines = "".join(f"{indent}{name}: see `{last}`.\n" for name in others.split(", ")[:-1])
    return f"{lines}{indent}{last}"

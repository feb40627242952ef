"""HTML pages from the templates of a folder; every value is escaped."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from packager.record import encodable

if TYPE_CHECKING:
    from jinja2 import Environment


@functools.cache  # with it its templates, which take longer to compile than to render
def page_environment(folder: str) -> Environment:
    """Renders the pages of templates/`folder`; a name that isn't given is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from packager.android.template import template_folder

    return Environment(
        loader=FileSystemLoader(template_folder(folder)),
        autoescape=True,
        finalize=_encodable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return type(value)(encodable(str(value)))  # what is markup stays so
    return value

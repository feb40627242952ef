"""What the site has beside the pages of this folder: every option, and the API.

`mkdocs build` calls the functions named `on_...`. They add the page of commands, the options of
each command at the end of its page, a page for each module that the pages' Python imports from,
CONTRIBUTING.md and CHANGELOG.md, and the pictures that lie beside the app's template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_PICTURES = "templates/android/docs"
_IMPORT = re.compile(r"^[ +]*from (packager\.[\w.]+) import ", re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The modules go under Python, after the pages that stand there."""
    for section in config.nav or []:
        if "Python" in section:
            section["Python"] += [{module: _module_page(module)} for module in public_modules()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages, and the app's pictures at the place that pages name."""
    generated = {"commands.md": commands_page()}
    for module in public_modules():
        generated[_module_page(module)] = f"# {module}\n\n::: {module}\n"
    for page in ("CONTRIBUTING.md", "CHANGELOG.md"):
        generated[page.lower()] = (ROOT / page).read_text("utf-8").replace("](docs/", "](")
    for path, text in generated.items():
        files.append(File.generated(config, path, content=text))
    for picture in sorted((ROOT / _PICTURES).iterdir()):
        path = f"{_PICTURES}/{picture.name}"
        files.append(File.generated(config, path, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A command's page ends with its options; pictures are found from where the page will be."""
    above = "../" * page.url.count("/")
    markdown = re.sub(r'((?:src|srcset)=")(?:\.\./)?(?!\w+:)', rf"\1{above}", markdown)
    return markdown.rstrip() + "\n" + options_of(page.file.src_uri.removesuffix(".md"))


def public_modules() -> list[str]:
    """The modules that the pages' Python imports from."""
    pages = sorted((ROOT / "docs").glob("*.md"))
    return sorted({name for page in pages for name in _IMPORT.findall(page.read_text("utf-8"))})


def commands() -> Iterator[tuple[str, Any]]:
    """Each command as it is called ("bench run"), and what Click knows of it."""
    import typer.main

    from packager.cli.application import app

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        if hasattr(command, "commands"):
            for key, each in command.commands.items():
                yield from walk(f"{name} {key}".strip(), each)
        elif not command.hidden:
            yield name, command

    yield from walk("", typer.main.get_command(app))


def page_of(command: str) -> str:
    """The page of a command: that of its first word."""
    return command.split()[0] + ".md"


def commands_page() -> str:
    """All commands, a line each, and the options that stand before them."""
    import typer.main

    from packager.cli.application import app

    lines = ["# Commands", "", "| command | what it does |", "|---|---|"]
    lines += [
        f"| [`packager {name}`]({page_of(name)}) | {_cell(command.help)} |"
        for name, command in commands()
    ]
    lines += ["", "## Global options", "", *_table(typer.main.get_command(app).params)]
    return "\n".join(lines) + "\n"


def options_of(page: str) -> str:
    """The options of the commands that have this page, as sections for its end; "" for none."""
    lines: list[str] = []
    for name, command in commands():
        if page_of(name) != f"{page}.md":
            continue
        usage = command.collect_usage_pieces(command.make_context(name, [], resilient_parsing=True))
        lines += ["", f"## Options of `packager {name}`", "", _cell(command.help), ""]
        lines += ["```text", " ".join(["packager", name, *usage]), "```", ""]
        lines += _table(command.params)
    return "\n".join(lines) + "\n"


def _table(parameters: list[Any]) -> list[str]:
    lines = ["| option | meaning |", "|---|---|"]
    for each in parameters:
        if getattr(each, "hidden", False):
            continue
        if each.param_type_name == "argument":
            lines.append(f"| `{each.metavar or each.name.upper()}` | {_cell(each.help)} |")
            continue
        names = ", ".join(f"`{name}`" for name in [*each.opts, *each.secondary_opts])
        takes = "" if each.is_flag else f" {each.metavar or _kind(each)}"
        shown = f" [default: {each.default}]" if _has_default(each) else ""
        needed = " Required." if each.required else ""
        lines.append(f"| {names}{_cell(takes)} | {_cell((each.help or '') + shown + needed)} |")
    return lines


def _module_page(module: str) -> str:
    return f"reference/{module.removeprefix('packager.')}.md"


def _kind(option: Any) -> str:
    return str(option.type.name).upper()


def _has_default(option: Any) -> bool:
    return bool(option.show_default and not option.is_flag and option.default not in (None, "", ()))


def _cell(text: str | None) -> str:
    """Text as a cell of a Markdown table shows it."""
    plain = " ".join((text or "").split())
    return re.sub(r"([\\*_|<>\[\]])", r"\\\1", plain)

"""What an Android project is called: its package, application id and the name people see.

Android's rules: https://developer.android.com/build/configure-app-module; the length of an id:
`FrameworkParsingPackageUtils.MAX_FILE_NAME_SIZE` of the Android Open Source Project; keywords:
the Java Language Specification 3.9 and https://kotlinlang.org/docs/keyword-reference.html (hard).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from packager.errors import SettingsError

MOST_ID = 223
MOST_NAME = 50
_PART = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_JAVA = """abstract assert boolean break byte case catch char class const continue default do double
    else enum extends false final finally float for goto if implements import instanceof int
    interface long native new null package private protected public return short static strictfp
    super switch synchronized this throw throws transient true try void volatile while"""
_KOTLIN = """as break class continue do else false for fun if in interface is null object package
    return super this throw true try typealias typeof val var when while"""
_KEYWORDS = frozenset(f"{_JAVA} {_KOTLIN}".split())
# Packages of these names belong to the platform: class loader or compiler refuse them.
_PLATFORM = frozenset({"android", "androidx", "dalvik", "java", "javax", "kotlin", "kotlinx"})
# Names that Windows doesn't allow for a folder.
_DEVICES = frozenset(
    {"aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


@dataclass(frozen=True)
class ProjectNames:
    """`package` of the Kotlin code, `app_id` of the installed app, `app_name` on the screen."""

    package: str
    app_id: str
    app_name: str


def project_names(
    model_name: str, *, package: str | None, app_id: str | None, app_name: str | None
) -> ProjectNames:
    """Checks the names that are given, and makes the others from the model's.

    Without a package the app id serves as one, and the other way round.

    Raises:
        SettingsError: a name that Java, Kotlin or Android would not take.
    """
    for flag, value in (("--package", package), ("--app-id", app_id)):
        if value is not None:
            _check_id(flag, value)
    if app_name is not None:
        _check_name(app_name)
    given = package or app_id or f"com.example.{_identifier(model_name)}"
    return ProjectNames(package or given, app_id or given, app_name or _title(model_name))


def _check_id(flag: str, value: str) -> None:
    parts = value.split(".")
    problem = None
    if len(parts) < 2:
        problem = "it has one part, and Android requires at least two"
    elif len(value) > MOST_ID:
        problem = f"it has {len(value)} characters, and Android allows {MOST_ID}"
    elif parts[0].lower() in _PLATFORM:
        problem = f"names that begin with {parts[0]!r} belong to the platform"
    else:
        problem = next(filter(None, map(_part_problem, parts)), None)
    if problem is not None:
        raise SettingsError(
            f"{value!r} can't be used: {problem}",
            where=flag,
            fix="Use letters a to z, digits and underscores, in two or more parts with dots "
            "between, such as com.example.flowers.",
        )


def _part_problem(part: str) -> str | None:
    if not part:
        return "a part of it is empty"
    if part in _KEYWORDS:
        return f"{part!r} is a keyword of Java or Kotlin"
    if part.lower() in _DEVICES:
        return f"Windows can't have a folder called {part!r}"
    if not _PART.fullmatch(part):
        return f"{part!r} is not an identifier"
    return None


def _check_name(value: str) -> None:
    problem = None
    if not value.strip():
        problem = "it is empty"
    elif len(value) > MOST_NAME:
        problem = f"it has {len(value)} characters, more than {MOST_NAME}"
    elif not all(map(_shown, value)):
        problem = "it holds a line break or another control character"
    if problem is not None:
        raise SettingsError(
            f"{value!r} can't be used: {problem}",
            where="--app-name",
            fix=f"Give the name that people see below the icon, 1 to {MOST_NAME} characters.",
        )


def _shown(character: str) -> bool:
    """Not a control, a line break or a character that XML can't hold."""
    return unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") and (
        ord(character) & 0xFFFE != 0xFFFE
    )


def _identifier(model_name: str) -> str:
    """A package's last part from any text; "classifier" where it has no Latin letters."""
    plain = unicodedata.normalize("NFKD", model_name).encode("ascii", "ignore").decode().lower()
    part = "".join(re.findall("[a-z0-9]+", plain)).lstrip("0123456789")[:30]
    return "classifier" if not part or _part_problem(part) else part


def _title(model_name: str) -> str:
    text = "".join(c if _shown(c) else " " for c in model_name)
    words = " ".join(text.split())[:MOST_NAME].rstrip()
    # A cut may leave a joiner or a mark without what it belongs to.
    while words and unicodedata.category(words[-1]) == "Cf":
        words = words[:-1]
    return words[:1].upper() + words[1:] if words else "Classifier"

"""What CI checks, by name: `nox -l` lists the sessions, `nox -s lint types` runs two of them.

Sessions that import packager run in the environment that runs nox; CONTRIBUTING.md makes it once.
The others make a small one of their own.
"""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "types", "quick"]

ROOT = Path(__file__).parent
PACKAGES = ROOT / "build" / "packages"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


QUICK = ("-n", "2", "-m", "not slow and not shared")


def run(session: nox.Session, module: str, *arguments: str, skip: bool = False) -> None:
    """Runs a module of the environment that nox is in; `skip`: tests whose tools are missing."""
    env = {"CI": None} if skip else None
    session.run(sys.executable, "-m", module, *arguments, env=env, external=True)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Style of the Python code."""
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Types of packager/, strictly."""
    run(session, "mypy")


@nox.session(venv_backend="none")
def quick(session: nox.Session) -> None:
    """Tests that are not slow and need nothing fetched: a minute. Arguments go to pytest."""
    run(session, "pytest", *QUICK, *session.posargs, skip=True)


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """All tests: half an hour. Arguments go to pytest."""
    run(session, "pytest", "-n", "2", *session.posargs)


@nox.session(venv_backend="none")
def coverage(session: nox.Session) -> None:
    """Coverage by the quick tests and what they start, held above the floor in pyproject.toml."""
    run(session, "coverage", "run", "-m", "pytest", *QUICK, skip=True)
    run(session, "coverage", "combine", "--quiet")
    run(session, "coverage", "report", "--skip-covered")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """The site of docs/, in build/site."""
    run(session, "mkdocs", "build", "--strict", "--site-dir", "build/site")


@nox.session
def workflows(session: nox.Session) -> None:
    """Workflows, forms and CITATION.cff against their schemas, actionlint and zizmor."""
    session.install("check-jsonschema>=0.39", "pre-commit>=4.5", "zizmor>=1.32")
    for schema, files in {
        "github-workflows": [
            ".github/workflows/*.yml",
            "templates/android/.github/workflows/*.yml",
        ],
        "github-actions": ["action.yml"],
        "github-issue-forms": [".github/ISSUE_TEMPLATE/[!c]*.yml"],
        "github-issue-config": [".github/ISSUE_TEMPLATE/config.yml"],
        "dependabot": [".github/dependabot.yml"],
        "citation-file-format": ["CITATION.cff"],
    }.items():
        paths = sorted(str(path) for pattern in files for path in ROOT.glob(pattern))
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)
    session.run("pre-commit", "validate-config")
    session.run("zizmor", "--offline", "--quiet", ".github", "action.yml")
    workflows = [*ROOT.glob(".github/workflows/*"), *ROOT.glob("templates/android/.github/*/*")]
    actionlint = Path(session.create_tmp()).resolve() / "actionlint"
    try:  # it comes from Go's module proxy alone, which not every network reaches
        subprocess.run(
            ["go", "install", ACTIONLINT], env={**os.environ, "GOBIN": str(actionlint.parent)},
            check=True, timeout=180,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        session.warn(f"actionlint can't be fetched, so it was not run: {error}")
        return
    session.run(str(actionlint), *map(str, workflows), external=True)


@nox.session
def package(session: nox.Session) -> None:
    """The sdist and the wheel, in build/packages; then the wheel used as from an index."""
    session.install("check-wheel-contents>=0.6.3", "twine>=7", "uv>=0.9")
    session.run("uv", "build", "--quiet", "--clear", "--out-dir", str(PACKAGES))
    session.run("twine", "check", "--strict", *map(str, PACKAGES.glob("tflite_packager*")))
    (wheel,) = PACKAGES.glob("*.whl")
    session.run("check-wheel-contents", str(wheel))
    tracked = session.run("git", "ls-files", "packager", "templates", external=True, silent=True)
    expected = {re.sub(r"^templates/", "packager/templates/", name) for name in tracked.split()}
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    if inside != expected:
        session.error(f"In the wheel or in the repository alone: {sorted(inside ^ expected)}")
    # In a folder without the code, so that only the wheel can be what runs.
    session.chdir(session.create_tmp())
    for arguments in (["--version"], ["specs"]):
        session.run(
            "uvx", "--python", sys.executable, "--find-links", str(PACKAGES), "--refresh-package",
            "tflite-packager", "tflite-packager", *arguments, env={"PYTHONPATH": None},
        )  # fmt: skip

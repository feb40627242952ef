"""A release's packages link to the repository that publishes it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def urls() -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook = module.ProjectUrls(str(ROOT), {})

    def update() -> dict[str, str]:
        metadata: dict[str, Any] = {}
        hook.update(metadata)
        return metadata.get("urls", {})

    return update


def test_the_address_of_the_repository_makes_the_urls(
    urls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKAGER_REPOSITORY", "https://example.org/owner/name/")
    found = urls()
    assert found["Repository"] == "https://example.org/owner/name"
    pages = {url.split("/blob/HEAD/")[1] for url in found.values() if "/blob/HEAD/" in url}
    assert pages
    assert all((ROOT / page).is_file() for page in pages)


def test_a_build_that_knows_no_repository_has_none(
    urls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PACKAGER_REPOSITORY", raising=False)
    assert urls() == {}

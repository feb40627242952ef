"""What `newer_versions.py` reads from the catalog and from Maven."""

from __future__ import annotations

import pytest

from tests.android.newer_versions import CATALOG, Library, libraries, newest

PRINTED = """\
[INFO] The following dependencies in Dependency Management have newer versions:
[INFO]   androidx.activity:activity-compose ......... 1.12.4 -> 1.13.0
[INFO]   androidx.lifecycle:a-very-long-name-of-a-library .....
[INFO]                                                        2.10.0 -> 2.11.0
"""


def test_every_version_of_the_catalog_is_looked_up() -> None:
    found = libraries(CATALOG.read_text("utf-8"))
    assert Library("junit:junit", "4.13.2") in found
    assert {"com.google.ai.edge.litert:litert", "com.android.tools.build:gradle"} <= {
        each.module for each in found
    }


@pytest.mark.parametrize(
    ("module", "version"),
    [
        ("androidx.activity:activity-compose", "1.13.0"),
        ("androidx.lifecycle:a-very-long-name-of-a-library", "2.11.0"),
        ("junit:junit", None),
    ],
)
def test_newest(module: str, version: str | None) -> None:
    assert newest(module, PRINTED) == version

"""An audit made by hand."""

from __future__ import annotations

from pathlib import Path

from packager.audit.findings import PROBLEMS, ClassNote, Finding
from packager.audit.run import Audit


def audit(root: Path, **changes: object) -> Audit:
    """Of two classes, with each problem twice; names that no page or table may take for markup."""
    findings = []
    for problem in PROBLEMS:
        group = (
            1 + (problem == "near duplicate")
            if "duplicate" in problem or "contra" in problem
            else 0
        )
        for number in range(2):
            findings.append(
                Finding(
                    problem, f"a/<b>{number}.jpg", "a<i>", f"{problem} by 12 %", "=b&", 0.5, group
                )
            )
    values: dict[str, object] = {
        "root": root,
        "name": "x & y",
        "classes": ("a<i>", "=b&"),
        "photos": (30, 1),
        "spec": "lite0",
        "groups": (("a/<b>0.jpg", "a/<b>1.jpg"), ("a/<b>1.jpg", "a/none.jpg")),
        "findings": tuple(findings),
        "notes": (ClassNote("a<i>", "its photos are small", 0.99),),
        "labels_checked": True,
    }
    return Audit(**{**values, **changes})  # type: ignore[arg-type]

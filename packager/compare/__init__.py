"""Several models built from the same photos, side by side."""

from packager.compare.rows import Comparison, Row
from packager.compare.run import CompareSettings, compare

__all__ = ["CompareSettings", "Comparison", "Row", "compare"]

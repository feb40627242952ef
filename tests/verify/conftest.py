"""Lets tests import the tiny models of the metadata tests, whatever pytest's import mode."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "metadata"))

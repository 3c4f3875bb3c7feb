"""Helm itself: the one on the machine, or one that is built from its Go module and kept."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests import gotools

_MODULE = Path(__file__).parent / "helm"


def find() -> Path:
    """Return the program; skip the test where it can be neither found nor built."""
    found = shutil.which("helm")
    return Path(found) if found else gotools.built(_MODULE, "helm.sh/helm/v3/cmd/helm")

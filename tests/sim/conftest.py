"""The simulation, for its own tests."""

from __future__ import annotations

from .fixtures import _empty_aws, aws, pytest_itemcollected

__all__ = ["_empty_aws", "aws", "pytest_itemcollected"]

"""The simulation: each test has an AWS of its own, empty at first."""

from __future__ import annotations

from tests.sim.fixtures import _empty_aws, aws, pytest_itemcollected

__all__ = ["_empty_aws", "aws", "pytest_itemcollected"]

"""The zones of a stack: those of its spec, else those in use, else the first of the region."""

from __future__ import annotations

import pytest

from missyou_operator.aws.zones import choose_zones
from missyou_operator.engine.errors import RefusedError
from tests.aws.fake import FakeEc2, cloud_of


def chosen(*used: str, desired: tuple[str, str] | None = None, offered: str = "cab") -> tuple[str, str]:
    rows = {"AvailabilityZones": [{"ZoneName": zone} for zone in offered]}
    return choose_zones(cloud_of(FakeEc2(describe_availability_zones=rows)), desired, used)


def test_zones_stay_once_chosen() -> None:
    assert chosen("", "") == ("a", "b")
    assert chosen("", "", desired=("c", "b")) == ("c", "b")
    assert chosen("x", "y") == ("x", "y")
    assert chosen("b", "") == ("b", "a")
    assert chosen("", "a") == ("b", "a")


def test_a_region_with_one_zone_is_refused() -> None:
    with pytest.raises(RefusedError, match="fewer than two"):
        chosen("", "", offered="a")

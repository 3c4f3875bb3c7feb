"""The memory and connections of instance classes, by name."""

from __future__ import annotations

import pytest

from missyou_operator.aws.rds.classes import memory_bytes, most_connections

GIB = 1024**3


@pytest.mark.parametrize(
    ("name", "gib"),
    [
        # RDS user guide, "Hardware specifications for DB instance classes".
        ("db.t3.micro", 1),
        ("db.t4g.small", 2),
        ("db.t4g.medium", 4),
        ("db.m5.large", 8),
        ("db.m6gd.xlarge", 16),
        ("db.m7i.24xlarge", 384),
        ("db.r6g.large", 16),
        ("db.r5.2xlarge", 64),
        ("db.c6gd.medium", 2),
    ],
)
def test_memory(name, gib):
    assert memory_bytes(name) == gib * GIB


@pytest.mark.parametrize(
    "name", ["db.x2g.large", "db.r4.large", "db.m3.medium", "db.z1d.large", "db.serverless", "db.t3"]
)
def test_irregular_classes_are_not_guessed(name):
    assert memory_bytes(name) is None
    assert most_connections(name) is None


def test_connections_are_fewer_than_the_memory_would_give_and_at_most_five_thousand():
    assert 70 < most_connections("db.t3.micro") < GIB // 9_531_392
    assert most_connections("db.m7i.24xlarge") == 5000

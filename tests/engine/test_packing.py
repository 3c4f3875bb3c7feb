"""What is kept small comes back as it was, and secrets stay the objects that logs are searched for."""

from __future__ import annotations

from missyou_operator.engine.packing import pack
from missyou_operator.engine.values import UNCHANGED, UNKNOWN, UNREAD, Ref, Sensitive


def test_values_come_back_equal() -> None:
    value = {"a": (1, Ref("ec2.Vpc/x", "id")), "b": [frozenset({"c"})], "words": [UNKNOWN, UNCHANGED, UNREAD]}
    found = pack(value).unpack()
    assert found == value
    assert all(one is other for one, other in zip(found["words"], value["words"], strict=True))


def test_a_secret_is_not_packed_and_stays_the_same_object() -> None:
    secret = Sensitive("correct horse battery staple")
    packed = pack([secret, secret])
    assert b"horse" not in packed.content
    assert all(found is secret for found in packed.unpack())


def test_equal_values_are_packed_alike() -> None:
    rows = [{"VpcId": f"vpc-{number}", "Tags": [{"Key": "a", "Value": f"{number}"}]} for number in range(3)]
    again = [{"VpcId": f"vpc-{number}", "Tags": [{"Key": "a", "Value": f"{number}"}]} for number in range(3)]
    assert pack(rows) == pack(again)
    assert pack(rows) != pack(again[1:])

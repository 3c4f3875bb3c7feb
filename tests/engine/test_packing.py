"""What is kept small comes back as it was, and secrets stay the objects that logs are searched for."""

from __future__ import annotations

import pickle
import zlib

from missyou_operator.engine.packing import pack
from missyou_operator.engine.values import UNCHANGED, UNKNOWN, UNREAD, Ref, Sensitive


def test_values_come_back_equal() -> None:
    value = {"a": (1, Ref("ec2.Vpc/x", "id")), "b": [frozenset({"c"})], "words": [UNKNOWN, UNCHANGED, UNREAD]}
    found = pack(value, "values").unpack()
    assert found == value
    assert all(one is other for one, other in zip(found["words"], value["words"], strict=True))


def test_a_secret_is_not_packed_and_stays_the_same_object() -> None:
    secret = Sensitive("correct horse battery staple")
    packed = pack([secret, secret], "secrets")
    assert b"horse" not in packed.content
    assert all(found is secret for found in packed.unpack())


def test_equal_values_are_packed_alike() -> None:
    rows = [{"VpcId": f"vpc-{number}", "Tags": [{"Key": "a", "Value": f"{number}"}]} for number in range(3)]
    again = [{"VpcId": f"vpc-{number}", "Tags": [{"Key": "a", "Value": f"{number}"}]} for number in range(3)]
    assert pack(rows, "rows") == pack(again, "rows")
    assert pack(rows, "rows") != pack(again[1:], "rows")


def test_what_is_much_like_the_first_of_its_kind_takes_little() -> None:
    def alarm(number: int) -> dict[str, str]:
        return {f"Field{each}": f"{each * 7919} {number}" for each in range(40)}

    first, second = (pack(alarm(number), "alarms") for number in range(2))
    assert len(second.content) < 0.5 * len(zlib.compress(pickle.dumps(alarm(1)), 1))
    assert [packed.unpack() for packed in (first, second)] == [alarm(0), alarm(1)]


def test_values_are_equal_whatever_they_are_packed_by() -> None:
    short, rows = pack(("row 1",), "some rows"), [f"row {number}" for number in range(100)]
    before, again = pack(("row 2",), "some rows"), pack(("row 1",), "some rows")
    assert before.model is again.model
    assert before != again == short
    long, later = pack(rows, "some rows"), pack(("row 1",), "some rows")
    assert long.model is later.model is not short.model
    assert later == short
    assert later != before
    assert [later.unpack(), long.unpack()] == [("row 1",), rows]


def test_what_is_longer_than_zlib_looks_back_is_still_a_model() -> None:
    def rows(name: str) -> list[str]:
        return [name, *(f"{number * number}" for number in range(4000))]

    pack(rows("a"), "long rows")
    alone = zlib.compress(pickle.dumps(rows("b")), 1)
    assert len(pack(rows("b"), "long rows").content) < 0.5 * len(alone)

"""The informer's reads: shared, remembered, told apart by versions, and made again in their rhythm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.informer import LISTED, SLOW, TAGS, Batch, Freshness, Inventory, Source, look
from missyou_operator.aws.pages import Page, remembered
from tests.sim.workers import Seeded

VPCS = Source("ec2", "describe_vpcs", "Vpcs", "Name")
LABELS = Batch("elbv2", "describe_tags", "TagDescriptions", "Arn", 3, lambda ids: {"ResourceArns": [*ids]}, TAGS)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inventory(clock: Clock) -> Inventory:
    return Inventory(clock)


def answers(*values: Any) -> Callable[[], Any]:
    left = list(values)
    return lambda: left.pop(0)


def test_a_read_serves_whoever_needs_one_that_began_then_or_earlier(inventory: Inventory, clock: Clock) -> None:
    fetch = answers("first", "second")
    assert inventory.get("key", fetch, 1000.0) == "first"
    clock.now += 5
    assert inventory.get("key", fetch, 1000.0) == "first"
    assert inventory.get("key", fetch, 1000.1) == "second"


def test_a_read_that_fails_is_not_remembered(inventory: Inventory) -> None:
    def fail() -> str:
        raise OSError("no answer")

    with pytest.raises(OSError, match="no answer"):
        inventory.get("key", fail, 0.0)
    assert inventory.get("key", lambda: "there", 0.0) == "there"


def test_who_asks_during_a_read_waits_for_it(inventory: Inventory) -> None:
    reading, answer = threading.Event(), threading.Event()

    def slow() -> str:
        reading.set()
        assert answer.wait(10)
        return "shared"

    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(inventory.get("key", slow, 0.0)))]
    threads[0].start()
    assert reading.wait(10)
    threads.append(threading.Thread(target=lambda: found.append(inventory.get("key", lambda: "another", 0.0))))
    threads[1].start()
    answer.set()
    for thread in threads:
        thread.join(10)
    assert found == ["shared", "shared"]


@pytest.mark.parametrize("takes", [0.5, 5.0])
def test_who_asks_during_a_read_of_a_long_list_goes_on_with_the_last_one(
    inventory: Inventory, clock: Clock, takes: float
) -> None:
    reading, answer = threading.Event(), threading.Event()

    def slow() -> list[Any]:
        reading.set()
        assert answer.wait(10)
        return [{"Name": "a", "n": 2}]

    def first() -> list[Any]:
        clock.now += takes
        return [{"Name": "a", "n": 1}]

    inventory.listed(VPCS, first, clock.now)
    clock.now += 40
    thread = threading.Thread(target=inventory.listed, args=(VPCS, slow, clock.now))
    thread.start()
    assert reading.wait(10)
    if takes < 1.0:
        # That one is worth waiting for.
        answer.set()
    second = inventory.listed(VPCS, lambda: pytest.fail("it is being read"), clock.now, clock.now - 108)
    assert [*second.value.rows("a")] == [{"Name": "a", "n": 1 if takes > 1.0 else 2}]
    many = Freshness(clock.now, look=45.0, stacks=100)
    assert look(inventory, {(VPCS.key, "a"): inventory.stamp(VPCS.key, "a")}, many, Seeded(1))
    answer.set()
    thread.join(10)
    assert [*inventory.listed(VPCS, list, clock.now).value.rows("a")] == [{"Name": "a", "n": 2}]


def test_the_version_moves_only_with_the_value(inventory: Inventory, clock: Clock) -> None:
    fetch = answers({"a": 1}, {"a": 1}, {"a": 2})
    versions, values = [], []
    for _ in range(3):
        read = inventory.read("key", fetch, clock.now, SLOW)
        versions.append(read.version)
        values.append(read.value)
        clock.now += 1
    assert versions[0] == versions[1] != versions[2]
    assert values == [{"a": 1}, {"a": 1}, {"a": 2}]


def test_each_owner_of_a_list_has_a_version_of_its_own(inventory: Inventory, clock: Clock) -> None:
    lists = [[{"Name": "a", "n": 1}, {"Name": "b", "n": 1}], [{"Name": "b", "n": 2}, {"Name": "a", "n": 1}], []]

    def stamps() -> tuple[object, object]:
        clock.now += 1
        inventory.listed(VPCS, lambda: lists.pop(0), clock.now)
        return inventory.stamp(VPCS.key, "a"), inventory.stamp(VPCS.key, "b")

    first, second, third = stamps(), stamps(), stamps()
    assert first[0] == second[0] != third[0]
    assert first[1] != second[1] != third[1]


def test_a_pattern_finds_names_and_is_stamped_with_all_of_them(inventory: Inventory, clock: Clock) -> None:
    names = ["app-tg-1", "app-tg-2", "app-too-tg-1", "app", "zoo"]
    rows = [[{"Name": name} for name in names], [{"Name": name} for name in names[1:]]]
    shares = inventory.listed(VPCS, lambda: rows[0], clock.now).value
    assert [row["Name"] for row in shares.rows("app-tg-*")] == ["app-tg-1", "app-tg-2"]
    before = inventory.stamp(VPCS.key, "app-tg-*"), inventory.stamp(VPCS.key, "app-too-*")
    clock.now += 1
    inventory.listed(VPCS, lambda: rows[1], clock.now)
    after = inventory.stamp(VPCS.key, "app-tg-*"), inventory.stamp(VPCS.key, "app-too-*")
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_what_aws_counts_on_by_itself_makes_no_difference(inventory: Inventory, clock: Clock) -> None:
    rows = [[{"Name": "db", "LatestRestorableTime": minute}] for minute in (1, 2)]
    stamps = []
    for _ in range(2):
        inventory.listed(VPCS, lambda: rows.pop(0), clock.now)
        stamps.append(inventory.stamp(VPCS.key, "db"))
        clock.now += 1
    assert stamps[0] == stamps[1]


def test_a_page_in_which_only_that_has_changed_is_parsed_once_more_and_then_no_more(
    inventory: Inventory, clock: Clock
) -> None:
    parsed, stamps = [], []

    def read(minute: int) -> list[Any]:
        rows = [{"Name": "db", "LatestRestorableTime": minute, "Text": "x" * 5000}]
        response = {"body": f"{rows}".encode(), "headers": {}, "status_code": 200}

        def parse() -> dict[str, Any]:
            parsed.append(minute)
            return {"Vpcs": rows}

        page: list[Any] = remembered(response, parse)["Vpcs"]
        return page

    for minute in (1, 2, 2):
        inventory.listed(VPCS, partial(read, minute), clock.now)
        stamps.append(inventory.stamp(VPCS.key, "db"))
        clock.now += 1
    assert parsed == [1, 2]
    assert len({*stamps}) == 1


def test_of_the_size_of_a_log_group_only_matters_whether_there_is_anything(inventory: Inventory, clock: Clock) -> None:
    versions = []
    for size in (0, 5, 6):
        versions.append(inventory.read("key", lambda: {"rows": [{"storedBytes": size}]}, clock.now, SLOW).version)  # noqa: B023
        clock.now += 1
    assert versions[0] != versions[1] == versions[2]


class Tags:
    """DescribeTags: all rows, or an error if one of the resources is gone."""

    def __init__(self, *gone: str, code: str = "LoadBalancerNotFound") -> None:
        self.gone, self.code, self.calls = gone, code, list[list[str]]()

    def __call__(self, arguments: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        ids = [*arguments["ResourceArns"]]
        self.calls.append(ids)
        if set(ids) & set(self.gone):
            raise ClientError({"Error": {"Code": self.code}}, "DescribeTags")
        return [{"Arn": id_, "Tags": [id_]} for id_ in ids]


def freshness(clock: Clock) -> Freshness:
    return Freshness(clock.now, look=45.0)


def test_a_batch_takes_along_what_is_due_soon(inventory: Inventory, clock: Clock) -> None:
    tags = Tags()
    for ids in (["1", "2"], ["3"], ["4"]):
        LABELS.read(inventory, ids, tags, freshness(clock))
    # At least 450 s and at most 600 s later (a part of the rhythm is spread), one of them is due, and brings others.
    clock.now += 590
    LABELS.read(inventory, ["3"], tags, freshness(clock))
    assert tags.calls == [["1", "2"], ["3"], ["4"], ["1", "2", "3"]]
    LABELS.read(inventory, ["1", "2"], tags, freshness(clock))
    assert len(tags.calls) == 4
    # Those go together from then on.
    clock.now += 590
    LABELS.read(inventory, ["2"], tags, freshness(clock))
    assert tags.calls[4:] == [["1", "2", "3"]]


@pytest.mark.parametrize("code", ["LoadBalancerNotFound", "InternalFailure"])
def test_one_that_is_gone_or_odd_does_not_hide_what_was_asked_for(
    inventory: Inventory, clock: Clock, code: str
) -> None:
    tags = Tags(code=code)
    LABELS.read(inventory, ["1"], tags, freshness(clock))
    LABELS.read(inventory, ["other"], tags, freshness(clock))
    tags.gone = ("other",)
    clock.now += 590
    found = LABELS.read(inventory, ["1"], tags, freshness(clock))
    assert found["1"].value == ({"Arn": "1", "Tags": ["1"]},)
    assert tags.calls[2:] == [["1", "other"], ["1"]]
    with pytest.raises(ClientError):
        LABELS.read(inventory, ["other"], tags, freshness(clock))


def test_a_batch_that_is_throttled_is_not_asked_for_once_more(inventory: Inventory, clock: Clock) -> None:
    tags = Tags(code="ThrottlingException")
    LABELS.read(inventory, ["1", "2"], tags, freshness(clock))
    tags.gone = ("1",)
    clock.now += 590
    with pytest.raises(ClientError, match="ThrottlingException"):
        LABELS.read(inventory, ["1"], tags, freshness(clock))
    assert tags.calls[1:] == [["1", "2"]]
    assert inventory.kept(f"{LABELS.group}2") is not None


def test_a_batch_takes_along_what_waits_for_its_turn(inventory: Inventory, clock: Clock) -> None:
    tags = Tags("2")
    for ids in (["1", "2"], ["3", "4"]):
        inventory.wait_for(LABELS.group, LABELS.since(ids, freshness(clock)))
    LABELS.read(inventory, ["1"], tags, freshness(clock))
    # One that is gone is taken along once.
    assert tags.calls == [["1", "2", "3"], ["1"]]
    LABELS.read(inventory, ["5"], tags, freshness(clock))
    assert tags.calls[2:] == [["4", "5"]]
    LABELS.read(inventory, ["4"], tags, freshness(clock))
    assert len(tags.calls) == 3


def test_of_the_pages_of_a_batch_those_stay_that_came_last(inventory: Inventory) -> None:
    page = Page({}, {})
    for number in range(100):
        inventory.remember_pages(LABELS.group, {b"%d" % number: page, b"again": page})
    assert [*inventory.pages[LABELS.group]][-2:] == [b"99", b"again"]
    assert len(inventory.pages[LABELS.group]) == 64


def test_a_batch_that_says_the_same_is_not_parsed_again(inventory: Inventory, clock: Clock) -> None:
    ids, parsed = ["1", "2", "3"], list[list[str]]()

    def fetch(arguments: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        rows = [{"Arn": each, "Tags": "x" * 2000} for each in arguments["ResourceArns"]]

        def parse() -> dict[str, Any]:
            parsed.append(arguments["ResourceArns"])
            return {"TagDescriptions": rows}

        response = {"body": f"{rows}".encode(), "headers": {}, "status_code": 200}
        found: Sequence[Mapping[str, Any]] = remembered(response, parse)["TagDescriptions"]
        return found

    before = LABELS.read(inventory, ids, fetch, freshness(clock))
    clock.now += 700
    after = LABELS.read(inventory, ids[1:], fetch, freshness(clock))
    assert parsed == [ids]
    assert after["2"].value == before["2"].value == ({"Arn": "2", "Tags": "x" * 2000},)
    assert after["2"].version == before["2"].version


def test_a_look_reads_what_is_due_and_says_whether_anything_differs(inventory: Inventory, clock: Clock) -> None:
    rows = [[{"Name": "a"}], [{"Name": "a"}, {"Name": "b"}], [{"Name": "a", "n": 1}]]
    calls = []

    def fetch() -> list[dict[str, Any]]:
        calls.append(clock.now)
        return rows[len(calls) - 1]

    inventory.listed(VPCS, fetch, clock.now)
    uses = {(VPCS.key, "a"): inventory.stamp(VPCS.key, "a")}
    assert look(inventory, uses, freshness(clock), Seeded(1))
    assert len(calls) == 1
    clock.now += 40
    assert look(inventory, uses, freshness(clock), Seeded(1))
    assert len(calls) == 2
    clock.now += 40
    assert not look(inventory, uses, freshness(clock), Seeded(1))


def test_who_rests_is_asked_only_about_what_was_there_before(inventory: Inventory, clock: Clock) -> None:
    """A thousand stacks in their turns read twenty things each that are new: nobody has used them."""

    class Uses(dict[tuple[str, str], Any]):
        asked = 0

        def items(self) -> Any:
            self.asked += 1
            return super().items()

    key, told = f"{LABELS.group}1", list[str]()
    LABELS.read(inventory, ["1"], Tags(), freshness(clock))
    uses = Uses({(key, ""): inventory.stamp(key, "")})
    inventory.followers.add("uid", uses, lambda: told.append("uid"))
    LABELS.read(inventory, ["2"], Tags(), freshness(clock))
    assert (uses.asked, told) == (0, [])
    clock.now += 601
    LABELS.read(inventory, ["1"], lambda _: [{"Arn": "1", "Tags": ["another"]}], freshness(clock))
    assert told == ["uid"]


def test_what_nobody_looks_at_is_forgotten(inventory: Inventory, clock: Clock) -> None:
    inventory.read("used", lambda: 1, clock.now, SLOW)
    inventory.read("unused", lambda: 1, clock.now, SLOW)
    LABELS.read(inventory, ["unused"], Tags(), freshness(clock))
    for _ in range(30):
        clock.now += 400
        inventory.due(["used"], freshness(clock))
        inventory.stacks("uid")
    assert inventory.stamp("used", "") is not None
    assert inventory.stamp("unused", "") is None
    assert inventory.oldest(LABELS.group, clock.now, 10) == []


def test_what_is_looked_at_seldom_is_not_forgotten(inventory: Inventory, clock: Clock) -> None:
    inventory.read("seldom", lambda: 1, clock.now, SLOW)
    inventory.stacks("seldom", 7200.0)
    clock.now += 7200
    assert inventory.stacks("another", 7200.0) == 2
    assert inventory.stamp("seldom", "") is not None


def test_stacks_that_nobody_looks_at_do_not_count(inventory: Inventory, clock: Clock) -> None:
    assert [inventory.stacks(uid) for uid in ("a", "b", "a")] == [1, 2, 2]
    for _ in range(4):
        clock.now += 400
        left = inventory.stacks("a")
    assert left == 1


def test_what_was_read_elsewhere_takes_the_place_of_a_read(inventory: Inventory, clock: Clock) -> None:
    before = inventory.read("key", lambda: "old", clock.now, LISTED).version
    inventory.put("key", "new")
    after = inventory.read("key", lambda: "not called", clock.now, LISTED)
    assert (after.value, after.version == before) == ("new", False)

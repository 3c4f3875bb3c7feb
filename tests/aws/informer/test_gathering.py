"""What several ask for while a call is under way is asked for in one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.informer import Gathering

PATIENCE = 30.0


def never() -> bool:
    return False


class Aws:
    """Answers with a row for each name. The first call lasts until it is told to end; `refused` are names that fail."""

    def __init__(self, refused: Sequence[str] = (), code: str = "ValidationError") -> None:
        self.calls, self.refused, self.code = list[list[str]](), refused, code
        self.begun, self.go_on = threading.Event(), threading.Event()

    def call(self, names: Sequence[str]) -> list[str]:
        self.calls.append([*names])
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(PATIENCE)
        if set(names) & set(self.refused):
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "DescribeAlarms")
        return [f"row of {name}" for name in names]


def ask(
    aws: Aws, *all_names: Sequence[str], most: int = 4, hurries: Callable[[], bool] = never
) -> list[Future[Sequence[str]]]:
    """Ask for names while a call for another is under way, which ends once all others wait; return what came of each.

    Only the first of them `hurries`.
    """
    gathering = Gathering(most)
    with ThreadPoolExecutor(len(all_names) + 1) as pool:
        first = pool.submit(gathering.rows, ["first"], aws.call, never)
        assert aws.begun.wait(PATIENCE)
        asked = [
            pool.submit(gathering.rows, names, aws.call, never if number else hurries)
            for number, names in enumerate(all_names)
        ]
        deadline = time.monotonic() + PATIENCE
        while len(gathering) < sum(not each.done() for each in asked) and time.monotonic() < deadline:
            time.sleep(0.001)
        if hurries is not never:
            asked[0].result(PATIENCE)
        aws.go_on.set()
        wait([first, *asked], PATIENCE)
    assert first.result() == ["row of first"]
    return asked


def test_who_comes_during_a_call_is_in_the_next_one() -> None:
    aws = Aws()
    asked = ask(aws, ["b", "a"], ["c"])
    assert aws.calls == [["first"], ["a", "b", "c"]]
    assert [each.result() for each in asked] == [["row of a", "row of b", "row of c"]] * 2


def test_a_call_has_no_more_names_than_aws_takes() -> None:
    aws = Aws()
    asked = ask(aws, ["a", "b"], ["c", "d"], ["e"])
    assert len(aws.calls) == 3
    assert max(map(len, aws.calls)) <= 4
    assert {row for each in asked for row in each.result()} == {f"row of {name}" for name in "abcde"}


def test_names_that_are_refused_are_one_s_own() -> None:
    asked = ask(Aws(refused=["b"]), ["a"], ["b"], ["c"])
    assert [each.result() for each in (asked[0], asked[2])] == [["row of a"], ["row of c"]]
    with pytest.raises(ClientError):
        asked[1].result()


def test_what_fails_for_another_reason_is_not_asked_for_once_more_by_each() -> None:
    aws = Aws(refused=["b"], code="Throttling")
    asked = ask(aws, ["a"], ["b"], ["c"])
    assert aws.calls == [["first"], ["a", "b", "c"]]
    for each in asked:
        with pytest.raises(ClientError, match="Throttling"):
            each.result()


def test_who_asks_alone_meets_its_own_error_once() -> None:
    aws = Aws(refused=["a"])
    aws.begun.set()
    with pytest.raises(ClientError):
        Gathering(4).rows(["a"], aws.call, never)
    assert aws.calls == [["a"]]


@pytest.mark.parametrize("from_when", [1, 2])
def test_who_hurries_or_begins_to_waits_for_nobody(from_when: int) -> None:
    asked_how_often = iter(range(1, 1000))
    aws = Aws()
    asked = ask(aws, ["a"], ["b"], hurries=lambda: next(asked_how_often) >= from_when)
    assert aws.calls == [["first"], ["a"], ["b"]]
    assert [each.result() for each in asked] == [["row of a"], ["row of b"]]

"""What several ask for while a call is under way is asked for in one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from missyou_operator.aws.informer import Gathering

PATIENCE = 30.0


class Aws:
    """Answers with a row for each name. The first call lasts until it is told to end; `refused` are names that fail."""

    def __init__(self, refused: Sequence[str] = ()) -> None:
        self.calls, self.refused = list[list[str]](), refused
        self.begun, self.go_on = threading.Event(), threading.Event()

    def call(self, names: Sequence[str]) -> list[str]:
        self.calls.append([*names])
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(PATIENCE)
        if refused := [name for name in names if name in self.refused]:
            raise ValueError(refused)
        return [f"row of {name}" for name in names]


def ask(aws: Aws, *all_names: Sequence[str], most: int = 4) -> list[Future[Sequence[str]]]:
    """Ask for names while a call for another is under way; return what came of each."""
    gathering = Gathering(most)
    with ThreadPoolExecutor(len(all_names) + 1) as pool:
        first = pool.submit(gathering.rows, ["first"], aws.call)
        assert aws.begun.wait(PATIENCE)
        asked = [pool.submit(gathering.rows, names, aws.call) for names in all_names]
        while len(gathering) < len(all_names):
            threading.Event().wait(0.001)
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
    assert sorted(map(len, aws.calls)) == [1, 1, 4]
    assert {row for each in asked for row in each.result()} == {f"row of {name}" for name in "abcde"}


def test_what_is_refused_to_one_is_not_to_the_others() -> None:
    asked = ask(Aws(refused=["b"]), ["a"], ["b"], ["c"])
    assert [each.result() for each in (asked[0], asked[2])] == [["row of a"], ["row of c"]]
    with pytest.raises(ValueError, match="b"):
        asked[1].result()


def test_who_asks_alone_meets_its_own_error_once() -> None:
    aws = Aws(refused=["a"])
    aws.begun.set()
    with pytest.raises(ValueError, match="a"):
        Gathering(4).rows(["a"], aws.call)
    assert aws.calls == [["a"]]

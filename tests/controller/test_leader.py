"""The holder of a lease: what it refuses, when it ends, and what it leaves to the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from kubernetes.client.exceptions import ApiException

from missyou_operator.controller.leader import Leader, NotLeaderError
from missyou_operator.controller.lease import Candidate, Record, Terms

TERMS = Terms(duration=2.0, deadline=1.0, retry=0.01)


@dataclass
class Lease:
    """A Lease in memory; `trouble` is raised by whoever reads it."""

    record: Record = field(default_factory=Record)
    trouble: Exception | None = None

    def read_lease(self) -> Record:
        if self.trouble:
            raise self.trouble
        return self.record

    def write_lease(self, holder: str, seen: Record, duration: int, now: datetime) -> Record:
        if seen != self.record:
            raise ApiException(status=409)
        self.record = Record(holder, str(int(self.record.version or 0) + 1))
        return self.record


def leader(lease: Lease, end: Callable[[int], object]) -> Leader:
    made = Leader(lease, Candidate("me", TERMS), end=end)
    made.acquire()
    return made


def test_who_resigns_acts_no_more_and_keeps_others_away_until_the_release() -> None:
    lease, ends = Lease(), list[int]()
    mine = leader(lease, ends.append)
    mine.check()
    mine.resign()
    with pytest.raises(NotLeaderError):
        mine.check()
    assert lease.record.holder == "me"
    mine.release()
    assert lease.record.holder == ""
    assert ends == []


def test_a_lease_that_somebody_else_has_is_left_to_him() -> None:
    lease, ended = Lease(), threading.Event()
    mine = leader(lease, lambda _: ended.set())
    mine.resign()
    lease.record = replace(lease.record, holder="other", version="9")
    mine.release()
    assert lease.record == Record("other", "9")


@pytest.mark.parametrize("trouble", [OSError("the network is gone"), ValueError("a fault of ours")])
def test_who_cannot_renew_ends(trouble: Exception) -> None:
    lease, codes, ended = Lease(), list[int](), threading.Event()

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    mine = leader(lease, end)
    lease.trouble = trouble
    assert ended.wait(30.0)
    assert codes == [1]
    mine.resign()
    with pytest.raises(NotLeaderError):
        mine.check()

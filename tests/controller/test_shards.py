"""The shards of replicas: what they take, give up and refuse. At no moment do two act for an app."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from kubernetes.client.exceptions import ApiException

from missyou_operator.controller.lease import Candidate, Record, Terms
from missyou_operator.controller.sharding import member_lease, shard_lease, shard_of
from missyou_operator.controller.shards import NotLeaderError, Shards, Term, acting

from .leases import Store

TERMS = Terms()
UIDS = [f"app-{n}" for n in range(40)]


class Time:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Replica:
    """A replica whose rounds the test runs. `busy`: its shards with a pass under way."""

    def __init__(self, store: Store, time: Time, name: str, shards: int = 1) -> None:
        self.name, self.busy = name, set[int]()
        self.shards = Shards(store, Candidate(name), shards, clock=time)
        # The thread is never started: the test is the clock.
        self.shards.follow(lambda: None, self.busy.__contains__)

    @property
    def has(self) -> set[int]:
        return {shard for shard in range(self.shards.shards) if self.shards.leads(shard)}


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def store() -> Store:
    return Store()


def rounds(time: Time, *replicas: Replica, times: int = 3) -> None:
    for _ in range(times):
        for replica in replicas:
            replica.shards.round()
        time.now += TERMS.retry


@contextmanager
def within(term: Term | None) -> Iterator[None]:
    token = acting.set(term)
    try:
        yield
    finally:
        acting.reset(token)


def test_one_works_and_the_others_stand_by(store: Store, time: Time) -> None:
    first, second = Replica(store, time, "first"), Replica(store, time, "second")
    rounds(time, first, second)
    assert (first.has, second.has) == ({0}, set())
    assert store.holder(shard_lease(0)) == "first"
    assert {store.holder(member_lease(slot)) for slot in (0, 1)} == {"first", "second"}
    first.shards.check()
    with pytest.raises(NotLeaderError):
        second.shards.check()


def test_three_share_and_a_fourth_moves_only_its_share(store: Store, time: Time) -> None:
    replicas = [Replica(store, time, name, 12) for name in "abc"]
    rounds(time, *replicas, times=5)
    before = {replica.name: replica.has for replica in replicas}
    assert [len(shards) for shards in before.values()] == [4, 4, 4]
    replicas.append(Replica(store, time, "d", 12))
    rounds(time, *replicas, times=4)
    assert len(replicas[3].has) == 3
    for replica in replicas[:3]:
        assert replica.has < before[replica.name]
        assert len(replica.has) == 3


def test_a_killed_replica_s_share_is_taken_over_within_the_terms(store: Store, time: Time) -> None:
    a, b, c = replicas = [Replica(store, time, name, 6) for name in "abc"]
    rounds(time, *replicas, times=5)
    rest, died = a.has | c.has, time.now
    while a.has | c.has != set(range(6)):
        rounds(time, a, c, times=1)
        assert time.now - died < 16.0
    assert time.now - died > TERMS.duration - TERMS.retry
    assert rest < a.has | c.has
    assert (len(a.has), len(c.has)) == (3, 3)
    # It thaws: it acts for nothing before it has looked, and then for its fair share.
    assert b.has == set()
    rounds(time, *replicas, times=5)
    assert [len(replica.has) for replica in replicas] == [2, 2, 2]


def test_a_shard_is_given_up_when_no_pass_of_it_is_under_way(store: Store, time: Time) -> None:
    a = Replica(store, time, "a", 4)
    rounds(time, a)
    a.busy.update(range(4))
    terms, b = dict(a.shards.terms), Replica(store, time, "b", 4)
    rounds(time, b, a, times=6)
    # It begins nothing more in the shards that it is to give up, and what it has begun may still be ended.
    [one, other] = set(terms) - set(a.shards.terms)
    assert a.has == set(range(4))
    assert b.has == set()
    with within(terms[one]):
        a.shards.check()
    a.busy.remove(one)
    rounds(time, a, b)
    assert b.has == {one}
    with within(terms[one]), pytest.raises(NotLeaderError):
        a.shards.check()
    with within(terms[other]):
        a.shards.check()
    a.busy.clear()
    rounds(time, a, b)
    assert b.has == {one, other}


def test_a_request_is_for_one_term_of_one_shard(store: Store, time: Time) -> None:
    a = Replica(store, time, "a", 2)
    rounds(time, a)
    first = a.shards.terms[0]
    taken = store.records[shard_lease(0)]
    store.records[shard_lease(0)] = Record("b", "999", 2)
    a.shards.round()
    with within(first), pytest.raises(NotLeaderError):
        a.shards.check(event_name="before-send.ec2.CreateVpc")
    assert first.refused == 1
    # What is only read may be for all apps.
    with within(first):
        a.shards.check(event_name="before-send.ec2.DescribeVpcs")
    with within(a.shards.terms[1]):
        a.shards.check(event_name="before-send.ec2.CreateVpc")
    # It gets the shard back; a pass from before is not let in again.
    store.records[shard_lease(0)] = Record("", "1000", 2)
    rounds(time, a)
    assert taken.holder == "a"
    with within(first), pytest.raises(NotLeaderError):
        a.shards.check()
    with within(a.shards.terms[0]):
        a.shards.check()


def test_another_number_of_shards_waits_until_nobody_has_the_old_one(store: Store, time: Time) -> None:
    old, new = Replica(store, time, "old", 1), Replica(store, time, "new", 4)
    rounds(time, old)
    rounds(time, old, new, times=10)
    assert (old.has, new.has) == ({0}, set())
    # It dies without a word.
    rounds(time, new, times=8)
    assert new.has == {0, 1, 2, 3}
    rounds(time, old, new)
    assert old.has == set()


def test_few_requests_keep_many_leases(store: Store, time: Time) -> None:
    """Three replicas with six shards: fewer than four writes a second."""
    replicas = [Replica(store, time, name, 6) for name in "abc"]
    rounds(time, *replicas, times=5)
    before, began = store.writes, time.now
    rounds(time, *replicas, times=30)
    assert (store.writes - before) / (time.now - began) < 4.0


QUICK = Terms(duration=2.0, deadline=1.0, retry=0.01)


def begun(store: Store, end: list[int]) -> Shards:
    there = threading.Event()
    shards = Shards(store, Candidate("me", QUICK), end=end.append)
    shards.follow(lambda: there.set() if shards.terms else None, lambda _: False)
    shards.begin()
    assert there.wait(30.0)
    return shards


def test_who_resigns_acts_no_more_and_keeps_others_away_until_the_release(store: Store) -> None:
    ends = list[int]()
    mine = begun(store, ends)
    mine.check()
    mine.resign()
    with pytest.raises(NotLeaderError):
        mine.check()
    assert store.holder(shard_lease(0)) == "me"
    mine.release()
    assert store.holder(shard_lease(0)) == store.holder(member_lease(0)) == ""
    assert ends == []


def test_who_cannot_renew_stands_by_and_goes_on_when_it_can_again(store: Store) -> None:
    ends = list[int]()
    mine = begun(store, ends)

    def down() -> None:
        raise OSError("the network is gone")

    store.before = down
    until(lambda: not mine.leads())
    with pytest.raises(NotLeaderError):
        mine.check()
    store.before = lambda: None
    until(mine.leads)
    mine.resign()
    assert ends == []


def test_a_fault_of_ours_ends_the_process(store: Store) -> None:
    ends = list[int]()

    def broken() -> None:
        raise ValueError("a fault of ours")

    mine = begun(store, ends)
    store.before = broken
    until(lambda: bool(ends))
    assert ends == [1]
    mine.resign()


def until(done: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if done():
            return
        pause.wait(0.01)
    raise AssertionError("it has not come to that within 30 s")


Step = tuple[int, float, list[tuple[int, float, bool]]]
STEP: st.SearchStrategy[Step] = st.tuples(
    st.integers(0, 3),  # whose round
    st.floats(0, 8),  # seconds before it
    # What comes before and after its requests.
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 8), st.booleans()), max_size=3),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(STEP, max_size=40), st.tuples(*[st.sampled_from((1, 3, 4))] * 4))
def test_two_never_act_for_an_app(steps: list[Step], layouts: tuple[int, ...]) -> None:
    """Whatever happens between two requests of a round: others' rounds, time, lost answers, other numbers of shards."""
    time, store = Time(), Store()
    replicas = [Replica(store, time, f"r{n}", shards) for n, shards in enumerate(layouts)]
    running: set[int] = set()
    between: list[tuple[int, float, bool]] = []

    def check() -> None:
        for uid in UIDS:
            acts = [r.name for r in replicas if r.shards.leads(shard_of(uid, r.shards.shards))]
            assert len(acts) <= 1, (uid, acts)

    def interrupted() -> None:
        if not between:
            return
        who, seconds, lost = between.pop()
        time.now += seconds
        check()
        run(who)
        check()
        if lost:
            raise ApiException(status=500)

    def run(who: int) -> None:
        if who in running:
            return
        running.add(who)
        try:
            replicas[who].shards.round()
        except ApiException:
            pass
        finally:
            running.discard(who)

    store.before = store.after = interrupted
    for who, seconds, meanwhile in steps:
        time.now += seconds
        between[:] = meanwhile
        run(who)
        check()

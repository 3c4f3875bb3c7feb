"""Who is to have which shard."""

from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
from hypothesis import given

from missyou_operator.controller.sharding import MOST_SHARDS, shard_of, share


def test_apps_are_spread_over_all_shards() -> None:
    counts = Counter(shard_of(f"0b8a5e5c-0000-4000-8000-{n:012d}", 8) for n in range(4000))
    assert sorted(counts) == list(range(8))
    assert min(counts.values()) > 400
    assert {shard_of(str(n), 1) for n in range(100)} == {0}


MEMBERS = st.sets(st.sampled_from("abcdefghij"), min_size=1)


@given(st.integers(1, MOST_SHARDS), MEMBERS, MEMBERS, st.data())
def test_everybody_has_a_fair_share_and_nothing_moves_without_need(
    shards: int, holding: set[str], members: set[str], data: st.DataObject
) -> None:
    holders = data.draw(st.dictionaries(st.integers(0, MOST_SHARDS - 1), st.sampled_from(sorted(holding))))
    wanted = share(holders, members, shards)
    assert sorted(wanted) == list(range(shards))
    counts = [sum(member == each for each in wanted.values()) for member in members]
    assert max(counts) - min(counts) <= 1
    # Whoever loses one had more than is fair.
    before = Counter(holder for shard, holder in holders.items() if shard < shards)
    for shard, holder in holders.items():
        if shard < shards and holder in members and wanted[shard] != holder:
            assert before[holder] > shards // len(members)
    # And once it is so, it stays so.
    assert share(wanted, members, shards) == wanted


def test_a_replica_that_joins_or_goes_moves_only_its_own_share() -> None:
    three = share({}, {"a", "b", "c"}, 12)
    four = share(three, {"a", "b", "c", "d"}, 12)
    moved = {shard for shard in three if three[shard] != four[shard]}
    assert moved == {shard for shard, member in four.items() if member == "d"}
    assert len(moved) == 3
    back = share({shard: member for shard, member in four.items() if member != "b"}, {"a", "c", "d"}, 12)
    assert {shard for shard in four if four[shard] != back[shard]} == {s for s, member in four.items() if member == "b"}


def test_one_shard_stays_with_its_holder_whoever_else_is_there() -> None:
    assert share({0: "b"}, {"a", "b", "c"}, 1) == {0: "b"}
    assert share({0: "gone"}, {"c", "a"}, 1) == {0: "a"}

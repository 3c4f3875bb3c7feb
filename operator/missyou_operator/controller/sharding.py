"""Which app belongs to which shard, and who is to have which shard. Pure.

A fixed number of shards, each with a Lease of its own, is how Knative's reconcilers share their work ("buckets",
knative.dev/pkg/leaderelection). Who has a shard keeps it as long as that is fair, which is what Kafka's sticky assignor
does: a replica that joins or goes moves only its own share, where hashing shards over replicas would leave some of them
with twice as much as others (argoproj/argo-cd#6125).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

#: Shards and replicas at most: the operator's Role names each of their Leases.
MOST_SHARDS, MOST_MEMBERS = 16, 10
_LEASE = "missyou-operator"


def shard_of(uid: str, shards: int) -> int:
    """Return the shard of an app, by the UID of its object."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:8]) % shards


def shard_lease(shard: int) -> str:
    """Return the name of a shard's Lease."""
    return f"{_LEASE}-{shard}"


def member_lease(slot: int) -> str:
    """Return the name of a Lease by which a replica announces itself."""
    return f"{_LEASE}-member-{slot}"


def share(holders: Mapping[int, str], members: Collection[str], shards: int) -> Mapping[int, str]:
    """Return who is to have which shard: everybody the same number, give or take one, with as few moves as possible.

    `holders`: who has a shard now; one that nobody has, or a holder who is no member, is missing or does not count.
    The same view gives the same answer everywhere. Different views cost moves, never safety: that is up to the leases.
    """
    if not members:
        return {}
    held = {member: [shard for shard in range(shards) if holders.get(shard) == member] for member in members}
    least, more = divmod(shards, len(members))
    ranked = sorted(members, key=lambda member: (-len(held[member]), member))
    quota = {member: least + (place < more) for place, member in enumerate(ranked)}
    kept = {shard: member for member in ranked for shard in held[member][: quota[member]]}
    room = [member for member in reversed(ranked) for _ in range(quota[member] - len(held[member]))]
    moving = [shard for shard in range(shards) if shard not in kept]
    return {**kept, **dict(zip(moving, room, strict=True))}

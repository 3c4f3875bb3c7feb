"""The memory of RDS instance classes, and the number of connections that follows from it.

Sources: RDS user guide, "Hardware specifications for DB instance classes", "Quotas and constraints" (maximum number of
database connections), and the prescriptive guidance on `max_connections`: LEAST(DBInstanceClassMemory/9531392, 5000).
"""

from __future__ import annotations

import re

_GIB = 1024**3
_CLASS = re.compile(r"db[.](?P<family>[a-z]+)[0-9]+[a-z]*[.](?P<size>micro|small|medium|large|(?P<times>[0-9]*)xlarge)")
#: GiB of the size `large`, by the letters before the generation. Families with other rules are missing.
_LARGE = {"t": 8.0, "m": 8.0, "c": 4.0, "r": 16.0}
_SMALLER = {"micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1.0}
#: Generations whose memory does not follow the rule of their family.
_IRREGULAR = re.compile(r"db[.](t1|m[123]|r3|r4)[.]")
#: RDS and the operating system reserve memory before connections are counted; AWS does not publish how much. This
#: estimate errs on the high side: an alarm that fires early is better than one that never can.
_RESERVED_BYTES, _RESERVED_SHARE = _GIB // 4, 0.03
_BYTES_PER_CONNECTION, _MOST = 9_531_392, 5000


def memory_bytes(instance_class: str) -> int | None:
    """Return the memory of an instance class, or None if it is unknown (db.x2g.large, or a future class)."""
    found = _CLASS.fullmatch(instance_class)
    if found is None or _IRREGULAR.match(instance_class) or found["family"] not in _LARGE:
        return None
    larges = _SMALLER.get(found["size"]) or 2.0 * int(found["times"] or 1)
    return int(_LARGE[found["family"]] * larges * _GIB)


def most_connections(instance_class: str) -> int | None:
    """Estimate how many connections PostgreSQL accepts by default on an instance class. None if that is unknown."""
    memory = memory_bytes(instance_class)
    if memory is None:
        return None
    return min(_MOST, int((memory * (1 - _RESERVED_SHARE) - _RESERVED_BYTES) / _BYTES_PER_CONNECTION))

"""Which tags of a resource come from the spec: one tag remembers their keys, so that one that leaves it is removed.

Only what that tag names is ever removed: tags of people, of cost tools and of the cloud itself stay.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping

#: The tag that remembers them. Each key is a digest, since forty keys of 128 characters do not fit into one value.
LEDGER = "missyou.app/tags"
#: Characters of a digest, of 64 possible ones each: those of forty keys fit into the 256 characters of a value.
_LENGTH = 6


def ledger(keys: Iterable[str]) -> dict[str, str]:
    """Return the tag that remembers keys, nothing if there are none."""
    digests = sorted(_digest(key) for key in keys)
    return {LEDGER: "".join(digests)} if digests else {}


def stale(desired: Mapping[str, str], observed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of the observed tags that an earlier spec has set, and that the present one does not."""
    value = observed.get(LEDGER, "")
    known = {value[start : start + _LENGTH] for start in range(0, len(value), _LENGTH)}
    return tuple(key for key in sorted(observed) if key not in desired and (_digest(key) in known or key == LEDGER))


def _digest(key: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(key.encode()).digest()).decode()[:_LENGTH]

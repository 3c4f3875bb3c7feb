"""What the operator knows of AWS: each read is made once for all stacks, as seldom as it may, and remembered.

Like an informer of Kubernetes, but for an API that has no watch:

- An `Inventory` holds the reads of one account and region. Each has a key, the moment it began, its value, and a
  version that moves only when the value differs from the one before (`inventory.py`).
- Lists of a whole account are `Source`s. Their rows are split by owner, a tag or a name, into `Shares`, and each share
  has a version of its own (`shares.py`). What AWS describes for several resources at once is a `Batch`, which is filled
  up with whatever else is due soon (`batches.py`). The rest takes a call per resource. Where a list takes long, a stack
  that needs a newer one asks for its own rows, in one call with others that do (`gathering.py`).
- How often a read is made again is its `Rhythm` (`rhythm.py`): what must be fresh once a minute, lists in each look,
  and what takes a call per resource the less often, the more stacks there are.
- A resource class reads through `Reader` (`aws/reader.py`), which notes what was used, and in which version: `Uses`.
  Resources are functions of that. So a `look` (`looking.py`) reads again what is due; and as long as no version of what
  a stack has used differs, there is nothing to observe, to compare or to report. Where one stack's look finds another's
  share changed, the other is told at once: it follows what it has used (`following.py`).

A process that begins, or takes stacks over, sees by lists alone that nothing is to be done; what takes calls of their
own, it reads of one stack after the other (`turns.py`).

What a stack has just written is never judged by a read that began before: `Freshness` says since when a read counts.
"""

from missyou_operator.aws.informer.batches import Batch
from missyou_operator.aws.informer.following import Uses
from missyou_operator.aws.informer.gathering import Gathering
from missyou_operator.aws.informer.inventory import Inventory, Read
from missyou_operator.aws.informer.looking import look
from missyou_operator.aws.informer.rhythm import (
    DESCRIBED,
    FRESH,
    GLOBAL,
    HOURLY,
    LISTED,
    ONCE,
    SLOW,
    TAGS,
    Freshness,
    Rhythm,
    anew,
)
from missyou_operator.aws.informer.shares import Alone, Source, key_of
from missyou_operator.aws.informer.turns import AT_ONCE, Turn

__all__ = [
    "AT_ONCE",
    "DESCRIBED",
    "FRESH",
    "GLOBAL",
    "HOURLY",
    "LISTED",
    "ONCE",
    "SLOW",
    "TAGS",
    "Alone",
    "Batch",
    "Freshness",
    "Gathering",
    "Inventory",
    "Read",
    "Rhythm",
    "Source",
    "Turn",
    "Uses",
    "anew",
    "key_of",
    "look",
]

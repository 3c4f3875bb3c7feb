"""Which runs are made: `make test` draws a sample, another each day; `make test-crash` makes all."""

from __future__ import annotations

import os
from datetime import UTC, datetime

ALL = os.environ.get("MISSYOU_CRASH") == "all"
SEED = int(os.environ.get("MISSYOU_SEED") or datetime.now(UTC).strftime("%Y%m%d"))

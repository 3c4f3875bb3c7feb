"""What every draw of a run comes from: the day, or what MISSYOU_SEED says."""

from __future__ import annotations

import os
from datetime import UTC, datetime

SEED = int(os.environ.get("MISSYOU_SEED") or datetime.now(UTC).strftime("%Y%m%d"))

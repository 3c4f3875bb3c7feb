"""How much of the sweep a run makes: with MISSYOU_CRASH=all everything, else a sample that the seed draws."""

from __future__ import annotations

import os

ALL = os.environ.get("MISSYOU_CRASH") == "all"
#: Forks of one test at a time. `make test-crash` runs two tests at a time, and so one.
PROCESSES = int(os.environ.get("MISSYOU_FORKS", "2"))

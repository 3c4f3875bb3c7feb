"""A pytest plugin (`-p tests.progress`): a line a test file as soon as it is done, and each failure when it happens.

With MISSYOU_RESULTS naming a file, that gets the outcomes and the durations of all tests.
"""

from __future__ import annotations

import collections
import json
import os
import time
from pathlib import Path

import pytest


class Progress:
    """What a run has come to so far."""

    def __init__(self) -> None:
        self._file, self._began = "", time.monotonic()
        self._outcomes: collections.Counter[str] = collections.Counter()
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.seconds: collections.Counter[str] = collections.Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._turn_to(report.location[0])
        self.seconds[report.nodeid] += report.duration
        if report.when == "call" or report.outcome != "passed":
            outcome = report.outcome if report.when == "call" or report.outcome == "skipped" else "error"
            self._outcomes[outcome] += 1
            if outcome not in ("passed", "skipped"):
                print(f"FAILED  {report.nodeid}", flush=True)

    def _turn_to(self, file: str) -> None:
        if file == self._file:
            return
        if self._file:
            told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self._outcomes.items()))
            good = not {"failed", "error"} & self._outcomes.keys()
            print(
                f"{'ok' if good else 'FAILED':<7} {self._file:<52} {time.monotonic() - self._began:6.1f} s  {told}",
                flush=True,
            )
        self.outcomes += self._outcomes
        self._outcomes.clear()
        self._file, self._began = file, time.monotonic()

    def pytest_sessionfinish(self) -> None:
        self._turn_to("")
        if path := os.environ.get("MISSYOU_RESULTS"):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(json.dumps({"outcomes": self.outcomes, "seconds": self.seconds}))

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """Leave the dots out."""
        return (report.outcome, "", "") if report.when == "call" or report.outcome != "passed" else ("", "", "")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Progress())

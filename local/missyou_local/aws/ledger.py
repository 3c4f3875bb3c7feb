"""The calls of a test AWS: counts by operation, and one entry per call."""

from __future__ import annotations

import collections
import fnmatch
import itertools
import json
import threading
from pathlib import Path
from typing import Any

_READS = ("Describe", "List", "Get", "BatchGet", "BatchCheck", "Simulate", "Head", "Filter", "GET ", "HEAD ")
_MAX_ENTRIES = 100_000


def mutates(name: str) -> bool:
    """Return whether an operation (`ec2:CreateVpc`) may change something. STS only hands out identities."""
    service, _, operation = name.partition(":")
    return service != "sts" and not operation.startswith(_READS)


class Ledger:
    """Counts and entries; an entry holds the names of parameters, never their values. Safe to use from many threads."""

    def __init__(self, log: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._counts: collections.Counter[str] = collections.Counter()
        self._errors: collections.Counter[str] = collections.Counter()
        self._entries: collections.deque[dict[str, Any]] = collections.deque(maxlen=_MAX_ENTRIES)
        self._number = 0
        self._log = log.open("a", encoding="utf-8", buffering=1) if log else None

    def record(self, entry: dict[str, Any]) -> None:
        """Add an entry, which gets the next number; its `operation` is counted."""
        with self._lock:
            self._number += 1
            self._counts[entry["operation"]] += 1
            if entry.get("error"):
                self._errors[f"{entry['operation']} {entry['error']}"] += 1
            self._entries.append({"number": self._number, **entry})
            if self._log:
                self._log.write(json.dumps(self._entries[-1]) + "\n")

    def summary(self) -> dict[str, Any]:
        """Return the counts by operation, of errors by operation and code, and of calls that may change something."""
        with self._lock:
            counts, errors = dict(sorted(self._counts.items())), dict(sorted(self._errors.items()))
        mutations = sum(n for name, n in counts.items() if mutates(name))
        return {"counts": counts, "errors": errors, "mutations": mutations}

    def entries(self, operation: str = "*", caller: str = "*", since: int = 0) -> list[dict[str, Any]]:
        """Return the entries after number `since`, oldest first: those whose operation and caller fit the patterns."""
        with self._lock:
            entries = list(itertools.takewhile(lambda entry: entry["number"] > since, reversed(self._entries)))
        return [
            entry
            for entry in reversed(entries)
            if fnmatch.fnmatchcase(entry["operation"], operation) and fnmatch.fnmatchcase(entry["caller"], caller)
        ]

    def clear(self) -> None:
        """Clear counts and entries; keep the log file, if any."""
        with self._lock:
            self._number = 0
            self._counts.clear()
            self._errors.clear()
            self._entries.clear()

    def close(self) -> None:
        """Close the log file."""
        if self._log:
            self._log.close()

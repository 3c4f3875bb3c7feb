"""Leases in memory, with the API server's optimistic concurrency."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kubernetes.client.exceptions import ApiException

from missyou_operator.controller.lease import Record


@dataclass
class Store:
    """All Leases of a namespace. `before` and `after` are called when a request arrives and is answered; may raise."""

    records: dict[str, Record] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None
    writes: int = 0

    def list_leases(self) -> Mapping[str, Record]:
        self.before()
        found = dict(self.records)
        self.after()
        return found

    def write_lease(self, name: str, holder: str, seen: Record, shards: int, duration: int) -> Record:
        self.before()
        if seen != self.records.get(name, Record()):
            raise ApiException(status=409)
        self.writes += 1
        self.records[name] = written = Record(holder, str(self.writes), shards)
        self.after()
        return written

    def holder(self, name: str) -> str:
        return self.records.get(name, Record()).holder

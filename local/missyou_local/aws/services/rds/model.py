"""The state of databases that moto does not store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.call import Regional


@dataclass(slots=True)
class Database:
    """What moto does not store about a database. Times in seconds since the epoch."""

    resource_id: str
    busy: str | None
    until: float
    endpoint_at: float
    port: int
    kms_key: str
    password: str = field(repr=False)
    created: float = 0.0
    insights: bool = False
    pending: dict[str, Any] = field(default_factory=dict)
    apply_at: float | None = None
    optimised_at: float = 0.0
    parameters_pending: bool = False
    without_standby: bool = False
    failed_over: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


DATABASES: Regional[dict[str, Database]] = Regional(dict)
"""Name -> database."""

"""The test AWS: moto on loopback, behind a layer that behaves like AWS where moto does not.

moto answers at once and enforces little. Here databases, gateways and load balancers take time, services get tasks that
start, fail, roll out and roll back, deletions in the wrong order are refused, and what cannot be read from moto can.
It does not know the operator: the two meet at AWS's API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from missyou_local.aws.timing import Timing

if TYPE_CHECKING:
    from missyou_local.aws.server import Server, serve

__all__ = ["Server", "Timing", "serve"]


def __getattr__(name: str) -> Any:
    """Load the server, and with it moto, only when it is asked for: `--help` should not take seconds."""
    if name in ("Server", "serve"):
        from missyou_local.aws import server  # noqa: PLC0415

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

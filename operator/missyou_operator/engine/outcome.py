"""What an execution is given to work with, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

from missyou_operator.engine.plan import Change
from missyou_operator.engine.resource import Health, Observed

P = ParamSpec("P")
T = TypeVar("T")


class Workers(Protocol):
    """Runs calls to the cloud side by side."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start a call."""

    def first(self, running: Collection[Future[T]]) -> Collection[Future[T]]:
        """Return those that have ended, one at least; wait for it if need be."""


@dataclass(frozen=True, slots=True)
class Result:
    """Where one resource stands after a pass. `change` is set when this pass changed it."""

    address: str
    component: str
    health: Health
    observed: Observed | None = None
    change: Change | None = None
    shown: bool = True
    #: Whether the rest is judged as if it were not there: see `Resource.RETAINED`.
    aside: bool = False
    #: Whether it is something that is no longer desired, on its way out.
    surplus: bool = False


@dataclass(slots=True)
class Outcome:
    """What a pass found and did: a result per resource, and the world as it is now known to be."""

    results: dict[str, Result] = field(default_factory=dict)
    world: dict[str, tuple[Observed, ...]] = field(default_factory=dict)
    #: Addresses whose deletion has been tried, whether or not it is complete.
    delete_attempted: set[str] = field(default_factory=set)

    @property
    def done(self) -> tuple[Change, ...]:
        """The changes that this pass made."""
        return tuple(result.change for result in self.results.values() if result.change)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What executing needs from outside.

    `cloud` is handed to the resources; `classify` turns any exception of theirs into a `Health`; `stopped` is asked
    before each action. `pool` runs the actions: each is a few calls to the cloud and never waits for another.
    """

    cloud: Any
    pool: Workers
    classify: Callable[[Exception], Health]
    stopped: Callable[[], bool] = lambda: False

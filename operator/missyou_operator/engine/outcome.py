"""What an execution is given to work with, and what it reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from missyou_operator.engine.plan import Change
from missyou_operator.engine.resource import Health, Observed
from missyou_operator.engine.schedule import Workers


@dataclass(frozen=True, slots=True)
class Result:
    """Where one resource stands after a pass. `change` is set when this pass made it.

    `shown`: listed in the status. `counts_for_ready`: False for what is `RETAINED`. `surplus`: no longer desired, and
    on its way out.
    """

    address: str
    component: str
    health: Health
    observed: Observed | None = None
    change: Change | None = None
    shown: bool = True
    counts_for_ready: bool = True
    surplus: bool = False

    @property
    def type(self) -> str:
        """The type of the resource."""
        return self.address.partition("/")[0]


@dataclass(slots=True)
class Outcome:
    """What a pass found and did: a result per resource, and what is now known to exist.

    `delete_attempted`: addresses whose deletion was tried, whether or not it is complete.
    """

    results: dict[str, Result] = field(default_factory=dict)
    world: dict[str, tuple[Observed, ...]] = field(default_factory=dict)
    delete_attempted: set[str] = field(default_factory=set)

    @property
    def done(self) -> tuple[Change, ...]:
        """The changes that this pass made."""
        return tuple(result.change for result in self.results.values() if result.change)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What executing needs from outside.

    `cloud` is handed to the resources; `classify` turns any exception of theirs into a `Health`; `stopped` is asked
    before each action. `lasting` is told of each refusal of a change, by address, and returns what to report of one
    that lasts. `pool` runs the actions: each is a few calls to the cloud and never waits for another.
    """

    cloud: Any
    pool: Workers
    classify: Callable[[Exception], Health]
    stopped: Callable[[], bool] = lambda: False
    lasting: Callable[[str, Health], Health] = lambda _, health: health

    def refusal(self, address: str, error: Exception) -> Health:
        """Return the health to report for a change that the cloud refused, or did not answer."""
        return self.lasting(address, replace(self.classify(error), refused=True))

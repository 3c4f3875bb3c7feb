"""What a stack depends on and somebody else owns: it is observed, never created, changed or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from missyou_operator.engine.resource import Health, Observed, Resource


@dataclass(frozen=True, kw_only=True)
class External(Resource):
    """Base of what is only observed. A subclass says how it is found, and what it means when it is missing."""

    EXTERNAL: ClassVar[bool] = True

    @classmethod
    def read(cls, reader: Any) -> Sequence[Observed]:  # noqa: ARG003 - for those that override it
        """Find nothing: what is not in the cloud is added to the observations by whoever can see it."""
        return ()

    def create(self, cloud: Any) -> NoReturn:  # noqa: ARG002
        """Never happens."""
        raise TypeError(f"{self.address} is external")

    def update(self, cloud: Any, observed: Observed, changed: frozenset[str]) -> NoReturn:  # noqa: ARG002
        """Never happens."""
        raise TypeError(f"{self.address} is external")

    @classmethod
    def delete(cls, cloud: Any, observed: Observed) -> Health:  # noqa: ARG003
        """Never happens."""
        raise TypeError(f"{observed.address} is external")

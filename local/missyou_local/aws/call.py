"""A behaviour: a function of one call, registered for an operation, that does what moto does not.

A *check* raises AwsError where AWS refuses and is otherwise silent. A *handler* answers the call, usually by asking
moto (`call.forward`) and correcting its answer. An *advancer* brings moto's models up to the clock before each call of
a service. Behaviours see parameters and results as boto3's caller does. One lock for the whole test AWS lets only one
run at a time, so that they may check and then act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from missyou_local.aws import backends
from missyou_local.aws.timing import Timing

if TYPE_CHECKING:
    from missyou_local.dataplane.plane import DataPlane

Result = dict[str, Any]


@dataclass(slots=True)
class Call:
    """One call of an operation.

    `now` is in seconds since the epoch. `send` has moto perform an operation of the same service (parameters None: the
    request as it came) and returns the result. `plane` is the data plane, if there is one.
    """

    service: str
    operation: str
    account: str
    region: str
    params: Mapping[str, Any]
    timing: Timing
    now: float
    send: Callable[[str, Mapping[str, Any] | None], Result]
    plane: DataPlane | None = None
    #: The access key that signed the request.
    caller: str = ""

    def forward(self, params: Mapping[str, Any] | None = None) -> Result:
        """Return moto's answer. Raises AwsError when moto refuses."""
        return self.send(self.operation, params)

    def ask(self, operation: str, params: Mapping[str, Any]) -> Result:
        """Return moto's answer to another operation of the same service. Raises AwsError when moto refuses."""
        return self.send(operation, params)

    def moto(self, service: str) -> Any:
        """Return moto's backend of a service, in this call's account and region."""
        return backends.backend(service, self.account, self.region)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this call's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


Check = Callable[[Call], None]
Handler = Callable[[Call], Result]
CHECKS: dict[str, list[Check]] = {}
HANDLERS: dict[str, Handler] = {}
ADVANCERS: dict[str, list[Check]] = {}


def checks(*operations: str) -> Callable[[Check], Check]:
    """Register a check for operations (`ec2:DeleteSubnet`)."""

    def register(check: Check) -> Check:
        for operation in operations:
            CHECKS.setdefault(operation, []).append(check)
        return check

    return register


def handles(*operations: str) -> Callable[[Handler], Handler]:
    """Register a handler for operations. Error: ValueError where an operation has one already."""

    def register(handler: Handler) -> Handler:
        for operation in operations:
            if operation in HANDLERS:
                raise ValueError(f"{operation} already has a handler: {HANDLERS[operation].__name__}")
            HANDLERS[operation] = handler
        return handler

    return register


def advances(*services: str) -> Callable[[Check], Check]:
    """Register a function that brings moto's models up to the clock before each call of these services."""

    def register(advance: Check) -> Check:
        for service in services:
            ADVANCERS.setdefault(service, []).append(advance)
        return advance

    return register


StateT = TypeVar("StateT")


class Regional(Generic[StateT]):
    """The state of a behaviour, separate for each account and region, and cleared at reset."""

    def __init__(self, new: Callable[[], StateT]) -> None:
        self._new = new
        self._states: dict[tuple[str, str], StateT] = {}
        backends.on_reset(self._states.clear)

    def places(self) -> Iterable[tuple[str, str]]:
        """Return the accounts and regions that have a state."""
        return self._states.keys()

    def states(self) -> Iterable[StateT]:
        """Return the states of all accounts and regions."""
        return self._states.values()

    def of(self, call: Call) -> StateT:
        """Return the state for the call's account and region."""
        return self.at(call.account, call.region)

    def at(self, account: str, region: str) -> StateT:
        """Return the state for an account and a region."""
        key = (account, region)
        if key not in self._states:
            self._states[key] = self._new()
        return self._states[key]

"""Eventual consistency: reads that do not show a write yet, and IDs that other calls do not know yet.

Sources: EC2 API reference, "Eventual consistency in the Amazon EC2 API" (a new ID may be unknown for seconds); the same
is seen of the other services. Each call draws how far behind the replica is that it meets, from none to all.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.errors import AwsError
from missyou_local.aws.ledger import mutates
from missyou_local.aws.replicas import Answer, Replicas
from missyou_local.aws.wire import Request, Response

_ID = re.compile(rb"\b(vpc|subnet|igw|nat|rtb|sg|eipalloc|eni|sgr)-[0-9a-f]{17}\b")
_EC2_CODES = {
    "vpc": "InvalidVpcID.NotFound",
    "subnet": "InvalidSubnetID.NotFound",
    "igw": "InvalidInternetGatewayID.NotFound",
    "nat": "NatGatewayNotFound",
    "rtb": "InvalidRouteTableID.NotFound",
    "sg": "InvalidGroup.NotFound",
    "eipalloc": "InvalidAllocationID.NotFound",
    "eni": "InvalidNetworkInterfaceID.NotFound",
    "sgr": "InvalidSecurityGroupRuleId.NotFound",
}
"""EC2 API reference, "Error codes for the Amazon EC2 API"."""
_ELSEWHERE: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "elbv2": {
        "vpc": ("ValidationError", "The VPC ID '{id}' is not found"),
        "subnet": ("SubnetNotFound", "The subnet ID '{id}' does not exist"),
        "sg": ("InvalidSecurityGroup", "One or more security groups are invalid: {id}"),
    },
    "rds": {
        "subnet": ("InvalidSubnet", "Some input subnets in :[{id}] are invalid."),
        "sg": ("InvalidParameterValue", "Invalid security group , groupId= {id}, groupName=."),
    },
    "ecs": {
        "subnet": (
            "InvalidParameterException",
            "Error retrieving subnet information for [{id}]: The subnet ID '{id}' does not exist",
        ),
        "sg": (
            "InvalidParameterException",
            "Error retrieving security group information for [{id}]: The security group '{id}' does not exist",
        ),
    },
}
"""Errors of other services for an unknown ID of EC2's, by their API references; texts as public issues quote them."""


class Lag:
    """How far reads lag behind writes, by service. Use it with `backends.LOCK` held.

    `seconds` maps patterns over services to the longest lag, in seconds on the clock.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._replicas: Replicas | None = None
        self._fresh: dict[bytes, float] = {}
        backends.on_reset(self._forget)

    def answered_by(self, answer: Answer) -> None:
        """Set the function with which a copy of this process answers."""
        self._replicas = Replicas(answer)

    def ignored(self, request: Request, now: float) -> Response:
        """Answer a request without carrying it out. Error: ValueError where there are no copies."""
        if self._replicas is None:
            raise ValueError("nothing answers for a copy")
        return self._replicas.once(request, now)

    def update(self, values: Mapping[str, Any]) -> None:
        """Replace the lags. Error: ValueError, without any change, for a value that is not a number of seconds."""
        for service, value in values.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"the lag of {service!r} must be a number of seconds >= 0, not {value!r}")
        self._forget()
        self.seconds = {service: float(value) for service, value in values.items() if value}

    def of(self, service: str) -> float:
        """Return the longest lag of a service, in seconds."""
        return max((value for match, value in self.seconds.items() if fnmatch.fnmatchcase(service, match)), default=0.0)

    def answer(self, request: Request, now: float, share: float, current: Callable[[], Response]) -> Response:
        """Answer a request with a replica that lags by a `share` (0 to 1) of the longest lag."""
        if not self.seconds or self._replicas is None:
            return current()
        behind = self.of(request.service) * share
        if not mutates(request.name):
            return (self._replicas.read(request, now - behind) if behind else None) or current()
        # What else uses a new ID asks EC2, which may not know it either.
        self._refuse_unknown(request, now - self.of("ec2") * share)
        self._replicas.before_change(now, max(self.seconds.values()))
        response = current()
        if request.service == "ec2" and response.status < 300:
            given = _ids(request.body)
            self._fresh |= dict.fromkeys(_ids(response.body) - given - self._fresh.keys(), now)
        return response

    def close(self) -> None:
        """End the copies of the past."""
        self._forget()

    def _refuse_unknown(self, request: Request, at: float) -> None:
        self._fresh = {id_: made for id_, made in self._fresh.items() if made > at - self.of("ec2")}
        for id_ in sorted(_ids(request.body)):
            kind = id_.decode().partition("-")[0]
            if self._fresh.get(id_, at) <= at:
                continue
            if request.service == "ec2":
                raise AwsError(_EC2_CODES[kind], f"The ID '{id_.decode()}' does not exist")
            if found := _ELSEWHERE.get(request.service, {}).get(kind):
                raise AwsError(found[0], found[1].format(id=id_.decode()))

    def _forget(self) -> None:
        self._fresh.clear()
        if self._replicas is not None:
            self._replicas.clear()


def _ids(body: bytes) -> set[bytes]:
    return {found.group() for found in _ID.finditer(body)}

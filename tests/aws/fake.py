"""A stack's handles on a fake AWS client, for tests of single calls and of errors that no emulator produces."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ec2.vpc import Vpc
from missyou_operator.aws.identity import StackIdentity, tag_list
from missyou_operator.aws.informer import Freshness, Inventory
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.resource import Observed
from missyou_operator.stack.naming import NAMES

STACK = StackIdentity("missyou", "default/missyou", "cluster-uid", "123456789012", "eu-central-1", "app-uid")


_NO_GROUPS: dict[str, Any] = {"SecurityGroups": []}


class FakeEc2:
    """Answer each operation as configured (an exception is raised, a function called), and record the calls.

    An operation without a configured answer succeeds with an empty one. No network has interfaces or
    groups.
    """

    def __init__(self, **answers: Any) -> None:
        nothing = {"describe_network_interfaces": {"NetworkInterfaces": []}, "describe_security_groups": _NO_GROUPS}
        self.answers = {**nothing, **answers}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def can_paginate(self, _operation: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append((operation, arguments))
            answer = self.answers.get(operation, {})
            answer = answer(**arguments) if callable(answer) else answer
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]

    def arguments(self, operation: str) -> dict[str, Any]:
        [arguments] = [arguments for called, arguments in self.calls if called == operation]
        return arguments


class _Clients:
    def __init__(self, client: Any) -> None:
        self._client = client

    def client_without_retries(self, service: str) -> Any:
        return self.client(service)

    def client(self, _service: str) -> Any:
        return self._client


def cloud_of(client: Any, stack: StackIdentity = STACK) -> Cloud:
    return Cloud(_Clients(client), stack, Inventory(), NAMES)


def anew() -> Freshness:
    """Return that no earlier read is good enough."""
    return Freshness(time.monotonic(), anew=True)


def reader_of(
    cloud: Cloud,
    found: Mapping[str, Sequence[Observed]] | None = None,
    desired_names: Mapping[str, Sequence[str]] | None = None,
) -> Reader:
    """Return a reader that has found the stack's VPC and `found`."""
    vpc = Observed(Vpc, "missyou-vpc", "vpc-1", {"id": "vpc-1"})
    return Reader(cloud, {"ec2.Vpc": [vpc], **(found or {})}, anew(), desired_names or {})


def aws_error(code: str, message: str = "AWS's own words", operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def tags(name: str, stack: StackIdentity = STACK, component: str = "Network") -> dict[str, str]:
    return stack.tags(component, name, {})


def row_tags(name: str, stack: StackIdentity = STACK) -> list[dict[str, str]]:
    return tag_list(tags(name, stack))

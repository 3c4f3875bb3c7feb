"""A stack's handles on the test AWS, for tests of a resource's lifecycle."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3

from missyou_local.aws import Server, Timing, serve
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ec2.vpc import Vpc
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.informer import Inventory
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.resource import Observed, Resource
from missyou_operator.stack.naming import NAMES
from tests.aws.fake import anew

REGION, ACCOUNT = "eu-central-1", "123456789012"
_numbers = itertools.count(1)


@functools.cache
def server() -> Server:
    """Return the one server for all tests of the process: moto takes seconds to load."""
    return serve(timing=Timing.instant())


class LiveClients:
    @functools.cache  # noqa: B019 - lives as long as the tests
    def client_without_retries(self, service: str) -> Any:
        return self.client(service)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=server().url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


_clients = LiveClients()


def client(service: str) -> Any:
    return _clients.client(service)


def live(*, final_snapshot: bool = True) -> Cloud:
    """Return a cloud for a stack that no other test uses."""
    name = f"s{next(_numbers)}"
    stack = StackIdentity(name, f"default/{name}", "cluster-uid", ACCOUNT, REGION, "app-uid")
    return Cloud(_clients, stack, Inventory(), NAMES, final_snapshot=final_snapshot)


def neighbour(cloud: Cloud) -> Cloud:
    """Return a cloud for a stack of the same name that belongs to another Kubernetes cluster."""
    mine = cloud.stack
    stack = StackIdentity(mine.name, mine.app, "other-cluster", mine.account, mine.region, mine.uid)
    return Cloud(_clients, stack, Inventory(), NAMES)


def tags(cloud: Cloud, name: str, component: str = "Database") -> dict[str, str]:
    return cloud.stack.tags(component, name, {"Environment": "Production"})


def read(
    kind: type[Resource],
    cloud: Cloud,
    found: Mapping[str, Sequence[Observed]] | None = None,
    wanted: Sequence[str] = (),
) -> Sequence[Observed]:
    """Read one type, uncached, of a stack that has a VPC."""
    vpc = Observed(Vpc, "missyou-vpc", "vpc-1", {"id": "vpc-1"})
    return kind.read(Reader(cloud, {"ec2.Vpc": [vpc], **(found or {})}, anew(), {kind.TYPE: wanted}))


def observe(resource: Resource, cloud: Cloud, found: Mapping[str, Sequence[Observed]] | None = None) -> Observed:
    """Read a desired resource as it is. Fail unless there is exactly one."""
    [observed] = [o for o in read(type(resource), cloud, found, [resource.name]) if o.address == resource.address]
    return observed


def changed(resource: Resource, observed: Observed) -> set[str]:
    return {change.field for change in resource.diff(observed)}


def apply(resource: Resource, cloud: Cloud) -> Observed:
    """Update an existing resource as the engine would, and read it again."""
    observed = observe(resource, cloud)
    resource.update(cloud, observed, frozenset(changed(resource, observed)))
    return observe(resource, cloud)


def eventually(probe: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < deadline, "the condition was not met in time"

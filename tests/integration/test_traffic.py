"""One stack whose spec changes, one thing after the other, while people use the app that really runs: nothing fails."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from missyou_local.aws import Timing

from .bench import Bench, a_bench
from .people import Person
from .test_rollouts import service, settled
from .traffic import Traffic, health, traffic, trusting

NAME = "busy"
_STRATEGIES = {"BlueGreen": "BLUE_GREEN", "Canary": "CANARY", "Linear": "LINEAR", "Rolling": "ROLLING"}

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("traffic")
    short = {"rds": 0.5, "nat": 0.2, "nat_delete": 0.2, "alb": 0.2, "task": 0.2, "task_stop": 0.2, "certificate": 0.2}
    timing = Timing(**short, grace_second=1.0)
    with a_bench(control_plane, folder, timing, data_plane=folder / "plane", resync="5") as bench:
        bench.start()
        yield bench


class Changes:
    """Changes of one stack, each with a name, under the requests of the clients."""

    def __init__(self, bench: Bench, requests: Traffic) -> None:
        self.bench, self.requests, self.seconds = bench, requests, dict[str, float]()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.requests.step, began = name, time.monotonic()
        yield
        self.requests.goes_on(10)
        self.seconds[name] = time.monotonic() - began
        sys.stdout.write(f"{self.line(name)}\n")
        sys.stdout.flush()

    def line(self, name: str) -> str:
        sent, failed = self.requests.sent[name], self.requests.failed[name]
        slowest = self.requests.slowest[name]
        return f"{name:30} {self.seconds[name]:5.1f} s  sent {sent:5}  failed {failed}  slowest {slowest:.2f} s"

    def change(self, name: str, done: Callable[[dict[str, Any]], Any] = settled, **spec: Any) -> None:
        """Change the spec, and wait until it is so."""
        with self.step(name):
            self.bench.patch(NAME, {"spec": spec})
            self.bench.until(NAME, lambda app: settled(app) and done(app), f"settled after {name}")

    def another_image(self, name: str, tag: str, **spec: Any) -> None:
        self.bench.push(self.bench.get(NAME), tag, backend(tag))
        self.change(name, lambda _: len(service(self.bench, NAME)["deployments"]) == 1, image={"tag": tag}, **spec)

    def strategy(self, strategy: str, **settings: Any) -> None:
        """Set a strategy, and wait until it counts."""
        ecs = _STRATEGIES[strategy]

        def counts(_: Any) -> bool:
            return bool(service(self.bench, NAME)["deploymentConfiguration"]["strategy"] == ecs)

        self.change(f"strategy {strategy}", counts, service={"deployment": {"strategy": strategy, **settings}})


def backend(version: str) -> str:
    """Return the command of a version of the backend: each is an image of its own."""
    return f": {version}; exec {sys.executable} -m missyou_backend"


def gateways(bench: Bench) -> int:
    """Count the NAT gateways that are there."""
    wanted = [{"Name": "state", "Values": ["pending", "available", "deleting"]}]
    return len(bench.aws_client("ec2").describe_nat_gateways(Filters=wanted)["NatGateways"])


def test_no_request_fails_whatever_changes(bench: Bench) -> None:
    replicas = {"min": 2, "max": 2}
    check = {"intervalSeconds": 10}
    bench.apply(
        NAME,
        environment="Development",
        network={"natGateways": 2},
        service={"replicas": replicas, "healthCheck": check},
    )
    url = str(bench.until(NAME, settled, "settled")["status"]["url"])
    context = trusting(bench.folder / "plane")
    ann, bob = (Person(url, name, context) for name in ("ann", "bob"))
    with traffic(health(url, context), ann.received, bob.received) as requests:
        changes = Changes(bench, requests)
        changes.change("environment variable", service={"env": {"GREETING": "hello"}})
        changes.change("cpu and memory", service={"cpu": 512, "memory": 1024})
        changes.change("port", service={"port": 9000})
        changes.change("health check path", service={"healthCheck": {"path": "/live"}})
        changes.another_image("image", "v2")
        changes.change("natGateways 2 to 1", lambda _: gateways(bench) == 1, network={"natGateways": 1})
        bench.aws_client("route53").create_hosted_zone(Name="example.com", CallerReference="traffic")
        changes.change(
            "domain",
            lambda app: app["status"]["url"] == "https://app.example.com",
            domain={"name": "app.example.com"},
        )
        changes.strategy("BlueGreen", bakeMinutes=1)
        changes.another_image("image by BlueGreen", "v3")

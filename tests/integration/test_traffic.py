"""One stack whose spec changes, one thing after the other, while people use the app that really runs: nothing fails."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from missyou_local.aws import Timing

from .bench import Bench, a_bench, condition
from .people import Person
from .test_rollouts import BROKEN, rolled_back, service, settled
from .traffic import Traffic, health, traffic, trusting

NAME = "busy"
_STRATEGIES = {"BlueGreen": "BLUE_GREEN", "Canary": "CANARY", "Linear": "LINEAR", "Rolling": "ROLLING"}
_UNSET = dict.fromkeys(("bakeMinutes", "canaryPercent", "stepPercent", "stepMinutes"))

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

    def another_image(self, name: str, tag: str) -> None:
        """Roll out another version, and wait until nothing else runs."""
        self.bench.push(self.bench.get(NAME), tag, backend(tag))
        self.change(name, lambda _: len(service(self.bench, NAME)["deployments"]) == 1, image={"tag": tag})

    def rollback(self, name: str, **spec: Any) -> None:
        """Change the spec along with an image that does not start, and wait until ECS has gone back."""
        self.bench.push(self.bench.get(NAME), "broken", BROKEN)
        before = service(self.bench, NAME)["taskDefinition"]
        with self.step(name):
            self.bench.patch(NAME, {"spec": {"image": {"tag": "broken"}, **spec}})
            self.bench.until(NAME, rolled_back, "rolled back")
            self.bench.until(
                NAME, lambda _: len(service(self.bench, NAME)["deployments"]) == 1, "served by one version"
            )
        assert service(self.bench, NAME)["taskDefinition"] == before

    def rollback_by_alarm(self, name: str, share: int) -> None:
        """Roll out a version that works, have an alarm go off once it gets a share of the requests, and give it up."""
        former, watch, timing = tasks(self.bench), Weights(self.bench), self.bench.aws.control.timing
        tag = self.bench.get(NAME)["spec"]["image"]["tag"]
        self.bench.push(self.bench.get(NAME), "alarming", backend("alarming"))
        timing.bake_minute = 4.0
        with self.step(name), watch:
            self.bench.patch(NAME, {"spec": {"image": {"tag": "alarming"}}})
            self.bench.until(NAME, lambda _: share in watch.seen, "shared")
            self.alarm("ALARM")
            said = condition(self.bench.until(NAME, rolled_back, "rolled back"), "ServiceReady")["message"]
            assert f"The alarm {NAME}-alb-5xx went off" in said
            self.bench.until(NAME, lambda _: tasks(self.bench) == former, "served by the tasks before")
            self.alarm("OK")
        timing.bake_minute = 0.0
        self.bench.patch(NAME, {"spec": {"image": {"tag": tag}}})
        self.bench.until(NAME, settled, "settled")

    def alarm(self, state: str) -> None:
        self.bench.aws_client("cloudwatch").set_alarm_state(
            AlarmName=f"{NAME}-alb-5xx", StateValue=state, StateReason="a test says so"
        )

    def strategy(self, strategy: str, **settings: Any) -> None:
        """Set a strategy, and wait until it counts."""
        ecs = _STRATEGIES[strategy]

        def counts(_: Any) -> bool:
            return bool(service(self.bench, NAME)["deploymentConfiguration"]["strategy"] == ecs)

        self.change(
            f"strategy {strategy}", counts, service={"deployment": {**_UNSET, "strategy": strategy, **settings}}
        )

    def another_image_by(self, strategy: str, tag: str, *shares: int) -> None:
        """Roll out another version, which gets these shares of the requests on its way, in percent."""
        former, watch, timing = tasks(self.bench), Weights(self.bench), self.bench.aws.control.timing
        began, timing.bake_minute = time.time(), 4.0
        with watch:
            self.another_image(f"image by {strategy}", tag)
        timing.bake_minute = 0.0
        assert [share for share in watch.seen if 0 < share < 100] == list(shares)
        lines = served(self.bench, began)
        for share in shares:
            first, last = watch.seen[share]
            by = [stream.rpartition("/")[2] in former for at, stream in lines if first <= at <= last]
            found = 100 * by.count(False) / len(by)
            sys.stdout.write(f"    {share} % were to reach the new version: {found:.0f} % of {len(by)} did\n")
            assert share / 4 < found < min(100, share + 25)


class Weights:
    """Reads, as long as its block runs, which share of the requests the group gets that had none, in percent.

    `seen` is when each share was read first and last, in seconds since the epoch.
    """

    def __init__(self, bench: Bench) -> None:
        self.seen, self._bench = dict[int, tuple[float, float]](), bench
        self._before, self._ended = self._weights(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.1):
            share = sum(weight for arn, weight in self._weights().items() if not self._before[arn])
            self.seen[share] = self.seen.get(share, (time.time(), 0.0))[0], time.time()

    def _weights(self) -> dict[str, int]:
        """Return the weights of the listener that serves, by target group."""
        elb = self._bench.aws_client("elbv2")
        [balancer] = elb.describe_load_balancers()["LoadBalancers"]
        rows = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
        [serving] = [row for row in rows if row["Port"] == 443]
        groups = serving["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        return {row["TargetGroupArn"]: int(row["Weight"]) for row in groups}


def tasks(bench: Bench) -> set[str]:
    """Return the ids of the tasks that run."""
    arns = bench.aws_client("ecs").list_tasks(cluster=f"{NAME}-cluster")["taskArns"]
    return {arn.rpartition("/")[2] for arn in arns}


def served(bench: Bench, since: float) -> list[tuple[float, str]]:
    """Return when the app has logged a request, and the log stream of its task."""
    pages = bench.aws_client("logs").get_paginator("filter_log_events")
    events = [
        event
        for page in pages.paginate(logGroupName=f"/ecs/{NAME}", startTime=int(since * 1000))
        for event in page["events"]
    ]
    return [(row["timestamp"] / 1000, row["logStreamName"]) for row in events if "durationMs" in row["message"]]


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
        changes.change(
            "another domain",
            lambda app: app["status"]["url"] == "https://www.example.com",
            domain={"name": "www.example.com"},
        )
        changes.strategy("BlueGreen", bakeMinutes=1)
        changes.another_image_by("BlueGreen", "v3")
        changes.strategy("Canary", canaryPercent=20, stepMinutes=1, bakeMinutes=0)
        changes.another_image_by("Canary", "v4", 20)
        changes.rollback_by_alarm("rollback by an alarm", 20)
        changes.strategy("Linear", stepPercent=40, stepMinutes=1, bakeMinutes=0)
        changes.another_image_by("Linear", "v5", 40, 80)
        changes.strategy("Rolling")
        changes.rollback("another port, broken image", service={"port": 8000})

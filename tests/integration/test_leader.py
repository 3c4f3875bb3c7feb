"""Two operators, one works: killed, frozen or replaced in the middle of a creation, the other goes on.

How long that takes is not asserted here, where machines are shared: docs/high-availability.md has measured figures, and
tests/controller/test_lease.py the arithmetic.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from kubernetes import client

from missyou_local import processes

from .bench import PATIENCE, Bench, a_bench, condition, quick


@pytest.fixture
def pair(control_plane, kube, tmp_path_factory) -> Iterator[tuple[Bench, Bench]]:
    options = {"key": "first", "arguments": ["--leader-elect"]}
    with a_bench(control_plane, tmp_path_factory.mktemp("first"), quick(rds=12.0, nat=3.0), **options) as first:
        second = Bench(
            kube,
            tmp_path_factory.mktemp("second"),
            control_plane.kubeconfig,
            first.aws,
            namespace=first.namespace,
            key="second",
            arguments=["--leader-elect"],
        )
        yield first, second
        if second.operator:
            second.operator.stop()


def calls(bench: Bench) -> int:
    """Count the calls that this operator has made to AWS."""
    return len(bench.aws.control.ledger.entries(caller=bench.key))


def works(bench: Bench) -> None:
    """Wait until an operator makes its next call to AWS."""
    before, began = calls(bench), time.monotonic()
    assert processes.wait_until(lambda: calls(bench) > before, PATIENCE), bench.operator.log_tail()
    print(f"went on after {time.monotonic() - began:.1f} s")


def begun(pair: tuple[Bench, Bench], name: str) -> None:
    """Start both, and let the first begin a stack."""
    first, second = pair
    first.start()
    first.apply(name, environment="Development")
    first.until(name, lambda app: condition(app, "NetworkReady"), "begun")
    second.start()
    assert processes.wait_until(lambda: "waits for the lease" in second.operator.log.read_text(), PATIENCE)
    assert calls(second) == 0


def finished(bench: Bench, name: str) -> None:
    bench.ready(name)
    assert "the pass failed" not in bench.log()
    assert bench.vpcs(name) == 1
    bench.delete(name)
    bench.until(name, lambda app: not app, "gone")


def test_a_leader_that_is_killed_is_followed(pair: tuple[Bench, Bench]) -> None:
    begun(pair, "killed")
    pair[0].kill()
    works(pair[1])
    finished(pair[1], "killed")


def test_a_leader_that_freezes_makes_no_call_when_it_thaws(pair: tuple[Bench, Bench]) -> None:
    begun(pair, "frozen")
    os.kill(pair[0].operator.pid, signal.SIGSTOP)
    works(pair[1])
    before = calls(pair[0])
    os.kill(pair[0].operator.pid, signal.SIGCONT)
    # It stands by from now on, and would follow the other.
    assert processes.wait_until(lambda: "has lost shard 0" in pair[0].log(), PATIENCE), pair[0].operator.log_tail()
    finished(pair[1], "frozen")
    assert calls(pair[0]) == before
    assert pair[0].operator.alive()


def test_a_leader_that_is_told_to_go_hands_over_at_once(pair: tuple[Bench, Bench]) -> None:
    """A rolling upgrade: the new one waits beside the old one, which is stopped."""
    begun(pair, "rolled")
    lease = client.CoordinationV1Api(pair[0].kube).read_namespaced_lease
    holder = lease("missyou-operator-0", "missyou-system").spec.holder_identity
    pair[0].operator.stop()
    # Given back, not run out.
    assert lease("missyou-operator-0", "missyou-system").spec.holder_identity != holder
    works(pair[1])
    finished(pair[1], "rolled")

"""The loops of apps: whose pass is begun first. Nothing is written here, since every pass finds the status right."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from missyou_operator.api import FINALIZER
from missyou_operator.aws.rates import Rates
from missyou_operator.controller.loop import AppLoop, Shared
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.metrics import Metrics
from missyou_operator.controller.report import Report
from missyou_operator.controller.shards import Alone, acting
from missyou_operator.controller.threads import Threads, Urgency, haste

PATIENCE = 30.0


class Passes:
    """Stands for the reconciler. The first pass lasts until it is told to end."""

    def __init__(self) -> None:
        self.begun, self.go_on = list[tuple[str, int, Urgency]](), threading.Event()
        self.first = threading.Event()

    def reconcile(self, body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
        meta = body["metadata"]
        self.begun.append((meta["name"], meta["generation"], haste.get().urgency))
        self.first.set()
        assert self.go_on.wait(PATIENCE)
        return Report(body["status"], 3600.0)

    teardown = reconcile


def app(name: str, *, generation: int = 1, observed: int = 1) -> dict[str, Any]:
    meta = {"namespace": "default", "name": name, "uid": name, "generation": generation, "finalizers": [FINALIZER]}
    meta["creationTimestamp"] = "2026-11-29T10:00:00Z"
    return {"kind": "MissYouApp", "metadata": meta, "spec": {}, "status": {"observedGeneration": observed}}


def test_a_change_overtakes_the_first_looks_after_a_restart_and_its_own_one_too() -> None:
    passes = Passes()

    async def life() -> None:
        threads = Threads(1, "pass")
        shared = Shared(
            cast(Any, None), cast(Any, passes), Metrics(1, {}), threads, threads, Rates(), threads, Alone().check
        )
        loops = [AppLoop(shared, app(f"app-{n}"), Alone().terms[0]) for n in range(20)]
        await asyncio.to_thread(passes.first.wait, PATIENCE)
        loops.append(AppLoop(shared, app("new", observed=-1), Alone().terms[0]))
        await asyncio.sleep(0)
        # It waits for its first look, behind all the others.
        loops[19].seen(app("app-19", generation=2))
        await asyncio.sleep(0)
        loops[18].seen({**app("app-18"), "metadata": {**app("app-18")["metadata"], "deletionTimestamp": "now"}})
        # Their loops turn until their passes wait anew.
        for _ in range(5):
            await asyncio.sleep(0)
        passes.go_on.set()
        async with asyncio.timeout(PATIENCE):
            while len(passes.begun) < 21:
                await asyncio.sleep(0.01)
        for loop in loops:
            loop.stop()
        await asyncio.wait([loop.task for loop in loops])
        threads.shutdown()

    asyncio.run(life())
    assert passes.begun[0] == ("app-0", 1, Urgency.BACKGROUND)
    assert passes.begun[1:4] == [
        ("app-19", 2, Urgency.CHANGE),
        ("app-18", 1, Urgency.CHANGE),
        ("new", 1, Urgency.CREATION),
    ]
    assert [name for name, _, _ in passes.begun[4:]] == [f"app-{n}" for n in range(1, 18)]


def test_who_is_stirred_from_another_thread_looks_at_everything_at_once() -> None:
    passes = Passes()
    passes.go_on.set()
    memories: list[Memory] = []

    def reconcile(body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
        report = passes.reconcile(body, memory, stopped)
        memories.append(memory)
        assert memory.full_at == float("-inf")
        memory.full_at = 1.0
        return report

    async def life() -> None:
        threads = Threads(1, "pass")
        reconciler = cast(Any, type("", (), {"reconcile": staticmethod(reconcile), "teardown": None}))
        shared = Shared(cast(Any, None), reconciler, Metrics(1, {}), threads, threads, Rates(), threads, Alone().check)
        loop = AppLoop(shared, app("one"), Alone().terms[0])
        async with asyncio.timeout(PATIENCE):
            while len(memories) < 1:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(memories[0].stir)
            while len(memories) < 2:
                await asyncio.sleep(0.01)
        loop.stop()
        await asyncio.wait([loop.task])
        threads.shutdown()

    asyncio.run(life())
    assert [urgency for _, _, urgency in passes.begun] == [Urgency.BACKGROUND] * 2
    # At the end of the process nobody listens any more, and nothing breaks.
    memories[0].stir()


def test_with_the_loop_goes_what_it_knew_of_its_stack() -> None:
    """Without a search for garbage: of what has survived one, the thorough one comes much later."""

    class World(dict[str, Any]):
        pass

    passes = Passes()
    known: list[weakref.ref[World]] = []

    def reconcile(body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
        memory.world = World()
        known.append(weakref.ref(memory.world))
        passes.first.set()
        return Report(body["status"], 3600.0)

    async def life() -> None:
        threads = Threads(1, "pass")
        reconciler = cast(Any, type("", (), {"reconcile": staticmethod(reconcile), "teardown": None}))
        shared = Shared(cast(Any, None), reconciler, Metrics(1, {}), threads, threads, Rates(), threads, Alone().check)
        loop = AppLoop(shared, app("one"), Alone().terms[0])
        await asyncio.to_thread(passes.first.wait, PATIENCE)
        assert known[0]() is not None
        loop.stop()
        await asyncio.wait([loop.task])
        threads.shutdown()

    gc.disable()
    try:
        asyncio.run(life())
        assert known[0]() is None
    finally:
        gc.enable()


def test_what_a_pass_says_whose_requests_were_refused_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    """It was not AWS that refused them: the lease of the shard was not renewed in time."""
    begun = threading.Event()

    class Refused:
        def reconcile(self, body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
            term = acting.get()
            assert term is not None
            term.refused += 1
            begun.set()
            return Report({"conditions": []}, 3600.0)

        teardown = reconcile

    async def life() -> None:
        threads = Threads(1, "pass")
        # Without a client of Kubernetes, a write would fail.
        shared = Shared(
            cast(Any, None), cast(Any, Refused()), Metrics(1, {}), threads, threads, Rates(), threads, Alone().check
        )
        loop = AppLoop(shared, app("one"), Alone().terms[0])
        await asyncio.to_thread(begun.wait, PATIENCE)
        threads.shutdown()
        await asyncio.sleep(0.01)
        loop.stop()
        await asyncio.wait([loop.task])

    asyncio.run(life())
    assert "the pass failed" not in caplog.text

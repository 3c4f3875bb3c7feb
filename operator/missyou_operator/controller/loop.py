"""The loop of one MissYouApp: from the finalizer, pass after pass, until its stack is deleted and the finalizer gone.

Nothing is kept in the object but the finalizer and the status. kopf's own daemons and handlers keep their progress, and
a copy of the spec, in annotations: an object without room for them stays Terminating for good (kopf#1087).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import kopf
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_operator.api import FINALIZER, GROUP, VERSION
from missyou_operator.api.annotations import REQUESTS
from missyou_operator.api.status import merge_patch
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.cloud import Known
from missyou_operator.aws.rates import Rates, app, urgent
from missyou_operator.controller.hearing import Hearing
from missyou_operator.controller.kube import Kube, explanation
from missyou_operator.controller.logs import about
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.metrics import Metrics, Pass
from missyou_operator.controller.place import Place, recorded
from missyou_operator.controller.reconcile import Reconciler
from missyou_operator.controller.report import Report
from missyou_operator.controller.shards import NotLeaderError, Term, acting
from missyou_operator.controller.threads import Haste, Threads, Urgency, haste, hurries
from missyou_operator.events.deeds import Deed

T = TypeVar("T")
#: An object as the watch shows it. kopf's view of it takes milliseconds to read from, and a start reads a thousand.
Body = Mapping[str, Any]
#: An app as a pass has seen it, and what came of the pass.
_Ended = tuple[Body, Report]

logger = logging.getLogger(__name__)

_NOTHING: Known = {}
#: Seconds in which our own status writes come back from the watch.
_ECHO = 5.0
#: Seconds until a write is tried again: after a conflict, without an answer, after a refusal, and after more of them.
_CONFLICT, _SILENCE, _REFUSAL, _LATEST = 0.5, 5.0, 10.0, 60.0


@dataclass(frozen=True, slots=True)
class Shared:
    """What all loops use: threads for `passes`, for `calls` to AWS at its `rates`, and for `writes` to Kubernetes.

    `check` raises NotLeaderError once nothing may be written any more.
    """

    kube: Kube
    reconciler: Reconciler
    metrics: Metrics
    passes: Threads
    calls: Threads
    rates: Rates
    writes: Threads
    check: Callable[[], None]


class _OvertakenError(Exception):
    """A pass was not begun, since one is due that is more urgent, or none any more."""


class AppLoop:
    """Runs until the app is gone, or `stop` is called. All methods belong to the event loop.

    `term`: of the shard that the app belongs to. Nothing is done for the app after its end.
    """

    def __init__(self, shared: Shared, body: Body, term: Term) -> None:
        self._shared, self._body, self._sign, self.term = shared, body, _sign(body), term
        self._wake = asyncio.Event()
        self._remember_nothing()
        self._stopped = False
        #: The generation that a pass was last run for, also by an operator before: -1 for none.
        self._generation = (body.get("status") or {}).get("observedGeneration", -1)
        self._asked = Urgency.BACKGROUND
        #: The pass that waits for a thread or has one, and how urgent that is which is under way, writes included.
        self._turn: Future[_Ended] | None = None
        self._haste = Haste(self._urgency(deleting=False))
        #: When a status was last written (monotonic seconds), and which.
        self._written: tuple[float, dict[str, Any]] = (float("-inf"), {})
        #: What Kubernetes last refused to store and why, and the seconds until what was not stored is tried again.
        self._refusal, self._pause = "", _CONFLICT
        self.task = asyncio.create_task(self._run())

    def _remember_nothing(self) -> None:
        self._memory = Memory(ours_since=self.term.began)
        self._memory.stir = partial(self._stirred, asyncio.get_running_loop())
        self._hearing = Hearing(self._memory, partial(self._ask, Urgency.CREATION))

    @property
    def meta(self) -> Mapping[str, Any]:
        """The app's metadata as last seen."""
        meta: Mapping[str, Any] = self._body["metadata"]
        return meta

    def seen(self, body: Body) -> None:
        """Take over the newest state, and wake up when something has changed that matters: not our own status."""
        self._body = body
        if (sign := _sign(body)) != self._sign:
            self._sign = sign
            self._ask(self._for_a_person)

    def _ask(self, urgent: Urgency) -> None:
        self._asked = min(self._asked, urgent)
        self._wake.set()
        if urgent >= self._haste.urgency or (self._turn is not None and self._turn.cancel()):
            return
        # What is asked for now waits for what has begun: as short as possible.
        self._haste.urgency = urgent
        for threads in (self._shared.calls, self._shared.writes):
            threads.hasten(self._haste)
        if urgent is Urgency.CHANGE:
            self._shared.rates.hasten()

    @property
    def _for_a_person(self) -> Urgency:
        return Urgency.CREATION if self._generation < 0 else Urgency.CHANGE

    def wake(self) -> None:
        """Run the next pass at once: something outside the app has changed what it may do."""
        self._wake.set()

    def _stirred(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at AWS as it is known by now, all of it. Any thread may call it."""
        # At the end of the process there is no loop any more, and nothing to look for.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._memory.full_at = float("-inf")
        self._wake.set()

    def hear(self, types: Collection[str], deeds: Sequence[Deed], again_in: float | None) -> None:
        """Take over what events say: types to read now, and once more after some seconds; who did what."""
        self._hearing.hear(types, deeds, again_in)

    ours = True

    @property
    def known(self) -> Known:
        """The stack's resources by ID, by type, as the last pass has found them."""
        return self._memory.known or _NOTHING

    @property
    def place(self) -> Place | None:
        """Where the stack lives, None before that is decided."""
        return recorded(self._body)

    def stop(self) -> None:
        """End: after the present call to AWS, if a pass is under way."""
        self._stopped = True
        self._wake.set()
        if self._turn is not None:
            self._turn.cancel()

    async def _run(self) -> None:
        acting.set(self.term)
        haste.set(self._haste)
        urgent.set(hurries)
        app.set(_name(self.meta))
        while not self._stopped:
            self._wake.clear()
            try:
                requeue_after = await self._step(self._body)
            except _OvertakenError:
                continue
            except NotLeaderError:
                # It may become ours again; and if it does not, this loop is ended.
                requeue_after = _SILENCE
            except Exception:
                logger.exception("%s: the pass failed", _name(self.meta))
                requeue_after = _REFUSAL
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), requeue_after)
        # Loop and memory refer to each other: what the memory knows of the stack would stay until a thorough search for
        # garbage.
        self._remember_nothing()

    async def _step(self, body: Body) -> float | None:
        """Do what is next for an app, and return the seconds until the step after it (None: when something changes)."""
        meta, deleting = body["metadata"], bool(body["metadata"].get("deletionTimestamp"))
        if FINALIZER not in meta.get("finalizers", ()):
            # Before our finalizer is stored, nothing may be created: a deletion would not wait for us.
            if deleting or await self._store_finalizer(kept=True):
                return None
            return self._pause
        report = await self._pass(body, deleting=deleting)
        if not report.done:
            return report.requeue_after
        if not await self._store_finalizer(kept=False):
            return self._pause
        # The watch may miss the end.
        self._shared.metrics.gone(meta)
        self.stop()
        return None

    async def _pass(self, body: Body, *, deleting: bool) -> Report:
        """Run one pass in a thread, and write its status."""
        shared, meta = self._shared, body["metadata"]
        how_urgent = self._urgency(deleting=deleting)
        self._generation, self._asked = meta["generation"], Urgency.BACKGROUND
        self._haste = Haste(how_urgent)
        haste.set(self._haste)
        at, status = self._written
        if seconds() - at >= _ECHO:
            # By now the watch has shown it.
            self._written, status = (at, {}), {}
        pass_ = uuid4().hex[:12]
        about(namespace=meta["namespace"], app=meta["name"], generation=meta["generation"], **{"pass": pass_})
        run = shared.metrics.queued(how_urgent, shared.reconciler.teardown if deleting else shared.reconciler.reconcile)

        def work() -> _Ended:
            # Copied in the thread: a thousand apps may wait for one.
            seen = plain(body) | ({"status": status} if status else {})
            return seen, run(seen, self._memory, partial(self._interrupted, deleting))

        began = seconds()
        seen: Body = body
        report: Report | None = None
        overtaken, refused = False, self.term.refused
        try:
            seen, report = await self._in_turn(work)
            if self.term.refused != refused:
                # What it says of AWS is that it was not asked.
                raise NotLeaderError
            told = report.done or await self._tell(body, seen, report)
        except _OvertakenError:
            overtaken = True
            raise
        else:
            return report if told else replace(report, requeue_after=min(report.requeue_after, self._pause))
        finally:
            if overtaken:
                shared.metrics.overtaken(how_urgent)
            else:
                shared.metrics.passed(Pass(seen, report))
                result = report.result if report else "error"
                took = {"result": result, "seconds": round(seconds() - began, 3)}
                logger.debug("%s: pass ended: %s", _name(meta), result, extra=took)

    async def _in_turn(self, work: Callable[[], _Ended]) -> _Ended:
        """Run a pass in a thread. Error: _OvertakenError if it was not begun: another is more urgent, or it is over."""
        self._turn = turn = self._shared.passes.submit(work)
        try:
            return await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and not task.cancelling():
                raise _OvertakenError from None
            raise
        finally:
            self._turn = None

    def _urgency(self, *, deleting: bool) -> Urgency:
        """Return how urgent the next pass is. After a restart, the first one is not, if nothing has changed."""
        if self.meta["generation"] != self._generation:
            return self._for_a_person
        # Somebody waits for what is under way, too.
        under_way = deleting or bool(self._memory.unsettled)
        return min(self._asked, Urgency.CREATION) if under_way else self._asked

    def _interrupted(self, deleting: bool) -> bool:
        return self._stopped or (not deleting and bool(self.meta.get("deletionTimestamp")))

    async def _tell(self, body: Body, seen: Mapping[str, Any], report: Report) -> bool:
        """Write a status if it differs from the present one, and post the Events. Returns whether all is stored."""
        patch = merge_patch(seen["status"], report.status)
        if not patch:
            return True
        meta = seen["metadata"]
        write = partial(self._shared.kube.patch_status, meta["namespace"], meta["name"], patch)
        if not await self._store("status", write):
            return False
        self._written = (seconds(), dict(report.status))
        for event in report.events:
            _post(body, type=event.type, reason=event.reason, message=event.message)
        return True

    async def _store_finalizer(self, *, kept: bool) -> bool:
        """Add our finalizer to the newest state of the app, or take it away; return whether that was done."""
        meta = dict(self.meta)
        names = [name for name in meta.get("finalizers", ()) if name != FINALIZER] + [FINALIZER] * kept
        return await self._store("finalizer", partial(self._shared.kube.patch_finalizers, meta, names))

    async def _store(self, what: str, write: Callable[[], None]) -> bool:
        """Write to Kubernetes; return whether that was done. What is refused is logged, counted, and posted once."""
        self._shared.check()
        try:
            await _in(self._shared.writes, write)
        except ApiException as error:
            if error.status == 404:
                # There is nothing left to write to: the watch is about to show it.
                return True
            if error.status == 409:
                self._pause = _CONFLICT
            else:
                self._refused(what, error.status, explanation(error))
            return False
        except (HTTPError, OSError) as error:
            self._shared.metrics.refused(what, "NoAnswer")
            logger.warning("%s: the %s is not stored: %s", _name(self.meta), what, type(error).__name__)
            self._pause = _SILENCE
            return False
        self._refusal = ""
        return True

    def _refused(self, what: str, code: int | None, why: str) -> None:
        self._shared.metrics.refused(what, str(code))
        message = f"Kubernetes does not store the {what} of this app ({code}): {why}"
        logger.error("%s: %s", _name(self.meta), message)
        again = message == self._refusal
        self._pause = min(self._pause * 2, _LATEST) if again else _REFUSAL
        self._refusal = message
        if not again:
            _post(self._body, type="Warning", reason="WriteRefused", message=message)


async def _in(threads: Threads, function: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, function)


def _sign(body: Body) -> tuple[Any, ...]:
    """Return what a pass is to be run for as soon as it changes."""
    meta = body["metadata"]
    annotations = meta.get("annotations", {})
    return (
        meta.get("generation"),
        FINALIZER in meta.get("finalizers", ()),
        bool(meta.get("deletionTimestamp")),
        *(annotations.get(name) for name in REQUESTS),
    )


def plain(body: Body) -> dict[str, Any]:
    """Return an app as plain values, as the API server has it, that may be changed at the first level."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": body.get("kind"),
        "metadata": dict(body["metadata"]),
        "spec": dict(body.get("spec") or {}),
        "status": dict(body.get("status") or {}),
    }


def _post(body: Body, *, type: str, reason: str, message: str) -> None:  # noqa: A002 - kopf's name
    """Post an Event."""
    kopf.event(body, type=type, reason=reason, message=message)  # type: ignore[arg-type]  # it only reads it


def _name(meta: Mapping[str, Any]) -> str:
    return f"{meta['namespace']}/{meta['name']}"

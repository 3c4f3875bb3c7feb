"""kopf at the edge: one loop per MissYouApp, woken by events, and one handler that takes a stack down.

Why this shape (see docs/architecture.md): a daemon per object sees every change at once, also during a pass; `on.event`
only wakes it; deletion has to be a handler, since kopf starts no daemons for objects that are already being deleted.
Passes run in threads: kopf's event loop never waits for AWS.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import kopf
from urllib3.exceptions import HTTPError

from missyou_operator.api import FINALIZER, GROUP, PLURAL, VERSION
from missyou_operator.api.annotations import REQUESTS
from missyou_operator.api.status import merge_patch
from missyou_operator.aws.calls import Call
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.session import Accounts
from missyou_operator.controller.kube import Kube
from missyou_operator.controller.leader import Leader
from missyou_operator.controller.lease import Candidate
from missyou_operator.controller.logs import Threads, about
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.metrics import Metrics, Pass
from missyou_operator.controller.probes import Answer, ProbeServer
from missyou_operator.controller.reconcile import Environment, Reconciler
from missyou_operator.controller.report import Report
from missyou_operator.controller.settings import Settings
from missyou_operator.controller.vitals import Readiness

logger = logging.getLogger(__name__)

#: Passes at the same time for apps that somebody has just changed, and for all others: a start with a thousand stacks
#: must not keep a person waiting.
_LANES = {"change": 8, "resync": 24}
#: Seconds in which our own status writes come back from the watch.
_ECHO = 5.0


@dataclass(slots=True)
class App:
    """What belongs to one MissYouApp in this process."""

    memory: Memory = field(default_factory=Memory)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    sign: tuple[Any, ...] = ()
    generation: int = -1
    #: When a status was last written (monotonic seconds), and which.
    written: tuple[float, dict[str, Any]] = (float("-inf"), {})

    def status_before(self, seen: dict[str, Any]) -> dict[str, Any]:
        """Give the status as it stands: our own last write until the watch must have shown it, then what is seen."""
        at, status = self.written
        return status if seconds() - at < _ECHO else seen


class Operator:
    """All handlers, and what they share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kube = Kube(settings.own_namespace)
        candidate = Candidate(settings.identity)
        self.leader = Leader(self.kube, candidate) if settings.leader_elect else None
        self.calls = Threads(settings.workers, "aws")
        self.lanes = {name: Threads(width, name) for name, width in _LANES.items()}
        accounts = Accounts(self.leader.check if self.leader else None, self.called)
        self.metrics = Metrics(_LANES, self.leads)
        self.vitals = Readiness(
            self.leads,
            lambda: self.kube.apps(settings.namespaces),
            lambda: accounts.get(settings.region).identity(),
        )
        self.reconciler = Reconciler(
            Environment(
                accounts,
                self.kube.cluster_uid(),
                self.kube.read_secret,
                self.calls,
                settings.region,
                settings.resync,
                prices=settings.prices,
            )
        )

    def registry(self) -> kopf.OperatorRegistry:
        """Give the handlers to kopf."""
        registry = kopf.OperatorRegistry()
        what = (GROUP, VERSION, PLURAL)
        kopf.on.startup(registry=registry)(self.configure)
        kopf.on.cleanup(registry=registry)(self.wind_up)
        # Called again when a token has expired: reads the rotated file.
        kopf.on.login(registry=registry)(kopf.login_via_client)
        kopf.on.event(*what, registry=registry)(self.on_event)
        kopf.daemon(*what, registry=registry, id="reconcile", cancellation_backoff=25.0)(self.loop)
        kopf.on.delete(*what, registry=registry, id="teardown", backoff=15.0)(self.on_delete)
        return registry

    async def configure(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        """Set kopf up: own annotations only, no scanning for CRDs, watches that notice a dead connection."""
        self.vitals.begin()
        settings.persistence.finalizer = FINALIZER
        settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP, v1=False)
        settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
        settings.scanning.disabled = True
        settings.posting.loggers = False
        settings.networking.connect_timeout = 10
        settings.networking.request_timeout = 45
        settings.watching.server_timeout = 600

    async def wind_up(self, **_: Any) -> None:
        """End what kopf would wait for in vain."""
        self.vitals.end()

    def end(self) -> None:
        """Let passes that are still under way end at their next call, then give the lease to the next operator."""
        if self.leader:
            self.leader.resign()
            for lane in self.lanes.values():
                lane.shutdown(cancel_futures=True)
            self.leader.release()

    def leads(self) -> bool:
        """Tell whether this is the operator that works."""
        return self.leader is None or self.leader.leads

    def answers(self) -> Mapping[str, Callable[[], Answer]]:
        """Give what the probes' port answers, by path."""
        return {
            "/healthz": self.vitals.healthy,
            "/readyz": self.vitals.ready,
            "/metrics": lambda: (200, self.metrics.text()),
        }

    def called(self, call: Call) -> None:
        """Take note of a request to AWS."""
        self.metrics.call(call)
        self.vitals.call(call)

    async def on_event(self, event: Mapping[str, Any], body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
        """Wake the loop when something has changed that matters to it: not for our own status writes."""
        app = _app(memo)
        meta = body.metadata
        annotations = meta.get("annotations", {})
        sign = (
            meta.get("generation"),
            FINALIZER in meta.get("finalizers", ()),
            bool(meta.get("deletionTimestamp")),
            *(annotations.get(name) for name in REQUESTS),
        )
        if event["type"] == "DELETED":
            self.metrics.gone(meta)
        else:
            self.metrics.seen(dict(meta), dict(body.status))
        self.vitals.seen(meta["uid"])
        if event["type"] == "ADDED":
            app.generation = -1
        if sign != app.sign:
            app.sign = sign
            app.wake.set()

    async def loop(self, body: kopf.Body, memo: kopf.Memo, stopped: kopf.DaemonStopped, **_: Any) -> None:
        """Run pass after pass, each as soon as something changed or is worth another look."""
        app = _app(memo)
        while not stopped:
            app.wake.clear()
            delay: float | None = None
            # Before our finalizer is stored, nothing may be created: a deletion would not wait for us.
            if FINALIZER in body.metadata.get("finalizers", ()) and not body.metadata.get("deletionTimestamp"):
                async with app.lock:
                    delay = await self._pass(body, app, lambda: bool(stopped), self.reconciler.reconcile)
            await _first(app.wake, stopped, delay)

    async def on_delete(self, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
        """Run one pass of the deletion; kopf calls again until all is gone, then takes the finalizer away."""
        app = _app(memo)
        async with app.lock:
            delay = await self._pass(body, app, lambda: False, self.reconciler.teardown)
        if delay is not None:
            raise kopf.TemporaryError("the stack is being deleted", delay=delay)

    async def _pass(self, body: kopf.Body, app: App, stopped: Any, run: Any) -> float | None:
        """Run one pass in a thread, write what it found, and give the seconds until the next (None: all is deleted)."""
        seen = _plain(body)
        meta = seen["metadata"]
        lane = "change" if meta["generation"] != app.generation else "resync"
        app.generation = meta["generation"]
        seen["status"] = app.status_before(seen["status"])
        about(
            namespace=meta["namespace"], app=meta["name"], generation=meta["generation"], **{"pass": uuid4().hex[:12]}
        )
        began, queued = seconds(), self.metrics.queued(lane, run)
        report: Report | None = None
        try:
            made = await asyncio.get_running_loop().run_in_executor(self.lanes[lane], queued, seen, app.memory, stopped)
            if not made.done:
                await self._write(body, seen, app, made)
            report = made
        except Exception:
            logger.exception("%s/%s: pass failed", meta["namespace"], meta["name"])
        self.metrics.passed(Pass(seen, report))
        return _told(report, seconds() - began)

    async def _write(self, body: kopf.Body, seen: Mapping[str, Any], app: App, report: Report) -> None:
        meta = seen["metadata"]
        patch = merge_patch(seen["status"], report.status)
        if not patch:
            return
        if self.leader:
            self.leader.check()
        write = partial(self.kube.patch_status, meta["namespace"], meta["name"], patch)
        if await asyncio.get_running_loop().run_in_executor(self.lanes["change"], write):
            app.written = (seconds(), dict(report.status))
        for event in report.events:
            kopf.event(body, type=event.type, reason=event.reason, message=event.message)


def _told(report: Report | None, took: float) -> float | None:
    """Log the end of a pass, and give the seconds until the next."""
    result = report.result if report else "error"
    logger.debug("pass ended: %s", result, extra={"result": result, "seconds": round(took, 3)})
    if report is None:
        return 10.0
    return None if report.done else report.requeue_after


def _app(memo: kopf.Memo) -> App:
    if "app" not in memo:
        memo.app = App()
    app: App = memo.app
    return app


def _plain(body: kopf.Body) -> dict[str, Any]:
    """Copy a live body, so that a pass sees one state of it."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": body.get("kind"),
        "metadata": dict(body.metadata),
        "spec": dict(body.spec),
        "status": dict(body.status),
    }


async def _until(stopped: kopf.DaemonStopped) -> None:
    await stopped.wait()


async def _first(wake: asyncio.Event, stopped: kopf.DaemonStopped, delay: float | None) -> None:
    waits = [asyncio.create_task(wake.wait()), asyncio.create_task(_until(stopped))]
    try:
        await asyncio.wait(waits, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()


def serve(settings: Settings) -> None:
    """Run the operator until it is told to stop. Ends with a message when the CRD is missing."""
    try:
        operator = Operator(settings)
        served = operator.kube.crd_exists()
    except (HTTPError, OSError) as error:
        sys.exit(f"cannot reach the API server ({type(error).__name__}): is it up, and does KUBECONFIG lead to it?")
    if not served:
        sys.exit("the API server serves no MissYouApps: apply crds/missyouapps.missyou.app.yaml first")
    if settings.probes:
        ProbeServer(settings.probes, operator.answers())
    if operator.leader:
        operator.leader.acquire()
    with contextlib.suppress(KeyboardInterrupt):
        kopf.run(
            registry=operator.registry(),
            # By itself kopf asks for the user's name, which the user of a container does not have.
            identity=settings.identity,  # type: ignore[arg-type]  # kopf does not export the type, a NewType of str
            standalone=True,
            clusterwide=not settings.namespaces,
            namespaces=list(settings.namespaces),
        )
    operator.end()

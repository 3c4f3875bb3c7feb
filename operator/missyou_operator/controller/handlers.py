"""kopf at the edge: it watches MissYouApps and posts Events, and each app has a loop of its own.

Why this shape (see docs/architecture.md): a loop per object sees every change at once, also during a pass; kopf's own
daemons and handlers would keep their progress in annotations, and would be deaf to a change while they wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import kopf
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_operator.api import GROUP, PLURAL, VERSION
from missyou_operator.api.annotations import PLACE
from missyou_operator.aws.calls import Call
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.rates import Rates
from missyou_operator.aws.session import Accounts
from missyou_operator.controller.environment import Environment
from missyou_operator.controller.hearing import Ears
from missyou_operator.controller.kube import Kube
from missyou_operator.controller.lease import Candidate
from missyou_operator.controller.listening import Listening, Source
from missyou_operator.controller.loop import AppLoop, Body, Shared
from missyou_operator.controller.metrics import Metrics
from missyou_operator.controller.portions import in_portions
from missyou_operator.controller.probes import Answer
from missyou_operator.controller.readiness import Readiness
from missyou_operator.controller.reconcile import Reconciler
from missyou_operator.controller.settings import Settings
from missyou_operator.controller.sharding import shard_lease, shard_of
from missyou_operator.controller.shards import Alone, Shards, acting
from missyou_operator.controller.shown import Shown
from missyou_operator.controller.tenants import Key, Tenants
from missyou_operator.controller.threads import Threads, Urgency

logger = logging.getLogger(__name__)

#: Passes at the same time, in all, and of those that are no more urgent. A start with a thousand stacks, or a thousand
#: new apps, must not keep a person waiting.
_PASSES, _LIMITS = 16, {Urgency.CREATION: 12, Urgency.BACKGROUND: 4}
#: Of the threads that call AWS, the part that may be busy with new apps, and with the background: a call costs CPU.
_CREATION, _BACKGROUND = 0.75, 0.25
#: Writes to Kubernetes at the same time.
_WRITES = 8
#: Seconds for the calls under way when the operator ends: longer than the longest single call to AWS.
_GRACE = 25.0
#: What kopf keeps in a context for one event: the object among it.
_OF_AN_EVENT = frozenset({"cause_var", "handler_var"})
#: Seconds that kopf waits for another event of an object.
_IDLE = 0.5
#: Resyncs between two checks of whether all apps still exist.
_SWEEP = 5


class _Nothing(kopf.DiffBaseStorage):
    """Keep no copy of an object: nothing here is triggered by a difference."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class Operator:
    """All handlers, and what they share."""

    def __init__(self, settings: Settings, kube: Kube) -> None:
        self.settings, self.kube = settings, kube
        self.shards = Shards(kube, Candidate(settings.identity), settings.shards) if settings.leader_elect else Alone()
        limits = {
            urgent: max(1, int(settings.workers * part))
            for urgent, part in ((Urgency.CREATION, _CREATION), (Urgency.BACKGROUND, _BACKGROUND))
        }
        self.calls = Threads(settings.workers, "aws", limits)
        #: All apps as the watch has shown them, the loops of those in shards of ours, and loops that are ending.
        self.apps: dict[Key, Body] = {}
        self.loops: dict[Key, AppLoop] = {}
        self.running: set[AppLoop] = set()
        self.shards.follow(self._shards_changed, self.busy)
        leases = {shard_lease(shard): partial(self.shards.leads, shard) for shard in range(self.shards.shards)}
        self.metrics = Metrics(_PASSES, leases)
        self.rates = Rates(self.metrics.waited, self.metrics.put_off)
        accounts = Accounts(self.shards.check, self.called, self.rates)
        accounts.prepare(settings.region)
        self.readiness = Readiness(
            self.shards,
            lambda: self.kube.apps(settings.namespaces),
            lambda: accounts.get(settings.region).identity(),
        )
        uid = self.kube.cluster_uid()
        self.tenants = Tenants(uid, settings.region, settings.prices, settings.require_tenants)
        self.turning: asyncio.AbstractEventLoop | None = None
        #: kopf's own context, in which alone it posts Events. Loops are also begun when no watch has shown anything.
        self.context = contextvars.copy_context()
        environment = Environment(
            accounts,
            uid,
            self.kube.read_secret,
            self.calls,
            settings.region,
            settings.resync,
            prices=settings.prices,
            confirm_deletion=settings.confirm_deletion,
            permissions_boundary=settings.permissions_boundary,
            record_place=self.record_place,
            tenants=self.tenants,
            acts_since=self._acts_since,
            hears=lambda account, region: self.listening.hears(account, region, seconds()),
        )
        sources = [Source.of(each, settings.region, uid) for each in settings.events]
        ears = partial(Ears().all, self.loops, self.apps)
        self.listening = Listening(accounts, sources, ears, self.deliver, self.metrics.heard)
        self.shared = Shared(
            self.kube,
            Reconciler(environment),
            self.metrics,
            Threads(_PASSES, "pass", _LIMITS),
            self.calls,
            self.rates,
            Threads(_WRITES, "kubernetes"),
            self.shards.check,
        )

    def record_place(self, namespace: str, name: str, place: str) -> None:
        """Store where a stack lives, before anything of it is created."""
        self.shards.check()
        self.kube.annotate(namespace, name, PLACE, place)

    def busy(self, shard: int) -> bool:
        """Return whether a pass of a shard may be under way. Any thread may call it."""
        return any(loop.term.shard == shard for loop in list(self.running))

    @staticmethod
    def _acts_since() -> datetime:
        term = acting.get()
        assert term is not None, "a pass is run by the loop of an app, which acts in a term"  # noqa: S101
        return term.since

    def woken(self, keys: Sequence[Key]) -> None:
        """Have the loops of apps run a pass at once. Any thread may call it."""
        # Before the event loop turns, and after it has ended, every app is looked at anyway.
        self.deliver(partial(self._wake, list(keys)))

    def deliver(self, work: Callable[[], None]) -> bool:
        """Have the event loop call a function; return whether it turns. Any thread may call it."""
        with contextlib.suppress(RuntimeError, AttributeError):
            self.turning.call_soon_threadsafe(work, context=self.context)  # type: ignore[union-attr]
            return True
        return False

    def _wake(self, keys: Sequence[Key]) -> None:
        for key in keys:
            if key in self.loops:
                self.loops[key].wake()

    def registry(self) -> kopf.OperatorRegistry:
        """Return the handlers to kopf."""
        registry = kopf.OperatorRegistry()
        what = (GROUP, VERSION, PLURAL)
        kopf.on.startup(registry=registry)(self.configure)
        kopf.on.cleanup(registry=registry)(self.wind_up)
        # Called again when a token has expired: reads the rotated file.
        kopf.on.login(registry=registry)(kopf.login_via_client)
        kopf.on.event(*what, registry=registry)(self.on_event)
        return registry

    async def configure(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        """Configure kopf: nothing stored in objects, no scanning for CRDs, watches that notice a dead connection."""
        self.turning = asyncio.get_running_loop()
        self.readiness.begin()
        self.listening.begin()
        self.sweeper = asyncio.create_task(self._sweep())
        settings.persistence.diffbase_storage = _Nothing()
        settings.scanning.disabled = True
        settings.posting.loggers = False
        settings.networking.connect_timeout = 10
        settings.networking.request_timeout = 45
        # What lasts longer ends the watch, and `serve` says why.
        settings.networking.error_backoffs = (1, 2, 4)
        settings.watching.server_timeout = 600
        # So long kopf keeps the last event of an object: at a start, those of all objects.
        settings.queueing.idle_timeout = _IDLE

    async def wind_up(self, **_: Any) -> None:
        """End all loops, each after the call that it is in."""
        self.sweeper.cancel()
        self.listening.end()
        self.apps.clear()
        self.loops.clear()
        for loop in self.running:
            loop.stop()
        if self.running:
            await asyncio.wait([loop.task for loop in self.running], timeout=_GRACE)
        self.readiness.end()

    def end(self) -> None:
        """Let passes that are still under way end at their next call, then give the leases to the other operators."""
        self.shards.resign()
        for threads in (self.shared.passes, self.shared.writes):
            threads.shutdown(cancel_futures=True)
        self.shards.release()

    def answers(self) -> Mapping[str, Callable[[], Answer]]:
        """Return what the probes' port answers, by path."""
        return {
            "/healthz": self.readiness.healthy,
            "/readyz": self.readiness.ready,
            "/metrics": lambda: (200, self.metrics.text()),
        }

    def called(self, call: Call) -> None:
        """Count a request to AWS, and learn from it whether AWS accepts the credentials."""
        self.metrics.call(call)
        self.readiness.call(call)

    async def on_event(self, event: Mapping[str, Any], **_: Any) -> None:
        """Give each app a loop, tell the loop what has changed, and end it with the app."""
        body = Shown(event["object"])
        meta = body["metadata"]
        key = (meta["namespace"], meta["name"])
        self.context = _lasting()
        self.readiness.seen(meta["uid"])
        known = self.apps.get(key)
        if event["type"] == "DELETED":
            if known is None or known["metadata"]["uid"] == meta["uid"]:
                self._gone(key)
            return
        self._wake(self.tenants.app_seen(body))
        if known is not None and known["metadata"]["uid"] != meta["uid"]:
            # The watch was cut while the app was deleted and made anew.
            self._leave(key)
        self.apps[key] = body
        self._work_on(key)

    def _work_on(self, key: Key) -> None:
        """Have a loop for an app of one of our shards, and none for any other. Nothing is done for one that is gone."""
        if (body := self.apps.get(key)) is None:
            return
        term, loop = self.shards.terms.get(shard_of(body["metadata"]["uid"], self.shards.shards)), self.loops.get(key)
        if term is None or (loop and loop.term is not term):
            self._leave(key)
            loop = None
        if term is None:
            return
        self.metrics.seen(body)
        if loop:
            loop.seen(body)
            return
        self.loops[key] = loop = self.context.copy().run(AppLoop, self.shared, body, term)
        self.running.add(loop)
        loop.task.add_done_callback(lambda _: self._ended(loop), context=self.context)

    def _leave(self, key: Key) -> None:
        """End the loop of an app, if it has one."""
        if loop := self.loops.pop(key, None):
            loop.stop()
            self.metrics.gone(loop.meta)

    def _ended(self, loop: AppLoop) -> None:
        self.running.discard(loop)
        if not self.busy(loop.term.shard):
            self.shards.nudge()

    def _gone(self, key: Key) -> None:
        """Forget an app that is deleted."""
        self.apps.pop(key, None)
        self._leave(key)
        self._wake(self.tenants.app_gone(key))

    def _shards_changed(self) -> None:
        # AWS's limits are the account's, however many operators there are.
        self.rates.share(max(1, len(self.shards.terms)) / self.shards.shards)
        self.deliver(self._divide)

    def _divide(self) -> None:
        """Begin to work on the apps of new shards, and end it for those of shards that are lost or given up."""
        in_portions(self._work_on, [*self.apps], self.deliver)

    async def _sweep(self) -> None:
        """Forget apps that went while no watch could show it: after "410 Gone", a watch begins with what is.

        Otherwise a stack without an app would be kept, and put right, until the operator restarts.
        """
        while True:
            await asyncio.sleep(_SWEEP * self.settings.resync)
            before, listing = dict(self.apps), partial(self.kube.apps, self.settings.namespaces)
            try:
                there = await asyncio.get_running_loop().run_in_executor(self.shared.passes, listing)
            except (ApiException, HTTPError, OSError):
                continue
            for key, body in before.items():
                uid, known = body["metadata"]["uid"], self.apps.get(key)
                if uid not in there and known is not None and known["metadata"]["uid"] == uid:
                    logger.warning("%s/%s is gone, which no watch has shown", *key)
                    self._gone(key)


def _lasting() -> contextvars.Context:
    """Return the present context without what belongs to one event: a loop that begins in it keeps it as long."""
    context = contextvars.Context()
    for variable, value in contextvars.copy_context().items():
        if variable.name not in _OF_AN_EVENT:
            context.run(variable.set, value)
    return context

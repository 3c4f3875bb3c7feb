"""One pass: look, plan, execute, report. Plain synchronous Python that knows no kopf and never waits for AWS to finish.

The same pass creates, changes, repairs, resumes after a crash, and (with an empty graph) deletes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from missyou_operator.api import AppSpec, InvalidSpec, parse
from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.observe import Observations, observe
from missyou_operator.aws.session import Account, Accounts
from missyou_operator.aws.zones import choose_zones
from missyou_operator.controller import report
from missyou_operator.controller.drift import drift_entries, just_started, lasting, premature, restrain, shielded
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.report import PassResult, Report
from missyou_operator.controller.spending import judge
from missyou_operator.cost import PriceTable, bundled
from missyou_operator.engine.execute import execute
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome, Runtime, Workers
from missyou_operator.engine.plan import Action, Plan, make_plan
from missyou_operator.engine.resource import Health, Observed, failed
from missyou_operator.engine.values import Sensitive
from missyou_operator.stack import build
from missyou_operator.stack.backups import SnapshotRequest
from missyou_operator.stack.lookups import DataSources
from missyou_operator.stack.naming import NAMES
from missyou_operator.stack.secrets import KubernetesSecret

logger = logging.getLogger(__name__)

#: Seconds that a read may be old which several stacks share.
_SHARED_FOR = 3.0
#: Seconds that a read may be old of what hardly ever changes (`Reader.slow_changing`).
_SLOW_FOR = 600.0
#: Seconds until a spec that is invalid, or a suspended app, is looked at again without being changed.
_IDLE = 600.0

#: Gives the data of a Kubernetes Secret by namespace and name, or None where there is none. Error: PermissionError
#: with the name of the user that was refused.
SecretReader = Callable[[str, str], Mapping[str, str] | None]


@dataclass(frozen=True, slots=True)
class Environment:
    """What passes work with: accounts, the cluster's UID, Kubernetes Secrets, threads for calls to AWS, and prices."""

    accounts: Accounts
    cluster: str
    read_secret: SecretReader
    pool: Workers
    region: str
    resync: float
    #: When this process began.
    started: datetime = field(default_factory=utc_now)
    prices: PriceTable = field(default_factory=bundled)


class Reconciler:
    """Runs passes. Thread-safe for different apps; that one app has one pass at a time is up to the caller."""

    def __init__(self, world: Environment) -> None:
        self._world = world

    def reconcile(self, body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
        """Run one pass for an app as it stands in `body`. Never raises for what AWS or the spec do."""
        now = utc_now()
        try:
            app = parse(body, self._world.region)
        except InvalidSpec as error:
            health = failed("InvalidSpec", str(error))
            return _finish(body, report.trouble(body, health, now), _IDLE, "error")
        if app.suspend:
            return _finish(body, report.suspended(body, now), _IDLE)
        try:
            return self._pass(body, app, memory, stopped)
        except Exception as error:  # a look that fails as a whole becomes the report, never a traceback
            return self._failed(body, memory, classify(error))

    def teardown(self, body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
        """Run one pass of a deletion. Needs no valid spec: what belongs to the stack is found by its tags and names."""
        now = utc_now()
        spec = body.get("spec") or {}
        if spec.get("deletionPolicy") == "Retain":
            return Report(body.get("status") or {}, 0.0, done=True)
        if spec.get("suspend"):
            return _finish(body, report.suspended(body, now), 15.0)
        try:
            cloud = self._cloud(body, final_snapshot=_final_snapshot(body, self._world.region))
            sight = self._observe(cloud, memory, {}, full=not memory.deleting or not memory.world)
            runtime = Runtime(cloud, self._world.pool, classify, stopped)
            plan = make_plan(Graph(), sight.world)
            outcome = execute(Graph(), sight.world, plan, runtime, shielded(plan, sight.unreadable))
            memory.remember(outcome, sight.unreadable, seconds())
            memory.deleting = True
            if not sight.unreadable and not _ours(outcome.world):
                # Most of these looks were at what was still going only: look at everything once more, to be sure.
                sight = self._observe(cloud, memory, {}, full=True)
        except Exception as error:  # as above
            return self._failed(body, memory, classify(error))
        settling = just_started(body, self._world.started, now)
        if not sight.unreadable and not _ours(sight.world) and not settling:
            return Report(body.get("status") or {}, 0.0, done=True)
        status = report.deleting(body, outcome, now)
        if sight.unreadable:
            status = report.trouble({**body, "status": status}, next(iter(sight.unreadable.values())), now)
        # No resync is due meanwhile: a deletion looks at everything when it begins, and when nothing seems left.
        delay = memory.requeue_after(outcome.results.values(), seconds(), float("inf"))
        return _finish(body, status, min(delay, 2.0 if settling else 15.0), _result(outcome, sight))

    def _pass(self, body: Mapping[str, Any], app: AppSpec, memory: Memory, stopped: Callable[[], bool]) -> Report:
        cloud = self._cloud(body, app=app)
        request = SnapshotRequest.of(body)
        sources = DataSources(app, cloud.stack, request)
        secrets, forbidden = self._kubernetes_secrets(body["metadata"]["namespace"], sources)
        inputs = _inputs(body, secrets)
        token = f"{(body['metadata'].get('annotations') or {}).get('missyou.app/reconcile', '')}\0{request.value}"
        asked = memory.token != token
        full = asked or memory.world is None or seconds() - memory.full_at >= self._world.resync * 0.9
        if memory.inputs != inputs:
            # AWS as it was less than a resync ago is good enough to act upon at once; what is only looked at is not.
            memory.unsettled |= {external.TYPE for external in sources.externals}
        memory.inputs, memory.token = inputs, token
        sight, graph, plan = self._view(cloud, app, memory, sources, secrets, full=full, fresh=asked)
        if not full and _takes_away(plan, sight) and not memory.seen_whole(seconds()):
            # Nothing is deleted or replaced on the strength of a memory: what it holds may not have been asked for.
            full = True
            sight, graph, plan = self._view(cloud, app, memory, sources, secrets, full=True, fresh=True)
        restraint = restrain(body, app, memory, plan, sight)
        spending = judge(body, app, self._world.prices, lasting(plan), drift=bool(restraint.drifted))
        held = (
            premature(body, graph, plan, self._world.started, utc_now()) | memory.doubtful(plan, seconds()) | forbidden
        )
        runtime = Runtime(cloud, self._world.pool, classify, stopped)
        outcome = execute(graph, sight.world, plan, runtime, {**held, **restraint.withheld, **spending.withheld})
        left = lasting(make_plan(graph, outcome.world))
        now = seconds()
        memory.remember(outcome, sight.unreadable, now)
        if not left.changes:
            memory.synced = inputs
        drift = drift_entries(restraint, outcome, body)
        approval = spending.approval if spending.approval.changes else restraint.approval
        found = PassResult(app, cloud.stack, outcome, left, approval, spending, drift, restraint.reported_only, full)
        status = report.progress(body, found, utc_now())
        for change in outcome.done:
            logger.info("%s: %s %s", cloud.stack.app, change.action, change.address)
        delay = memory.requeue_after(outcome.results.values(), now, self._world.resync)
        return replace(_finish(body, status, delay, _result(outcome, sight)), drift=drift)

    def _view(  # noqa: PLR0913 - all that a plan is made of
        self,
        cloud: Cloud,
        app: AppSpec,
        memory: Memory,
        sources: DataSources,
        secrets: Mapping[str, tuple[Observed, ...]],
        *,
        full: bool,
        fresh: bool,
    ) -> tuple[Observations, Graph, Plan]:
        """Look, and plan: what there is, what is desired, and the changes between them."""
        sight = self._observe(cloud, memory, sources.names, full=full, fresh=fresh)
        in_aws = {address: found for address, found in sight.world.items() if found[0].kind is not KubernetesSecret}
        sight = Observations({**in_aws, **secrets}, sight.unreadable)
        zones = choose_zones(cloud, app.network.availability_zones, sources.zones_in_use(sight.world))
        graph = build(app, cloud.stack, sources.answers(sight.world, zones))
        return sight, graph, make_plan(graph, sight.world)

    def _observe(
        self, cloud: Cloud, memory: Memory, wanted: Mapping[str, Sequence[str]], *, full: bool, fresh: bool = False
    ) -> Observations:
        """Look at everything (`full`), or at what is unsettled. `fresh`: share no read that has begun before now."""
        now = seconds()
        sight = observe(
            cloud,
            Runtime(cloud, self._world.pool, classify),
            wanted=wanted,
            since=max(memory.wrote_at, now - _SHARED_FOR if full and not fresh else now),
            slow_since=max(memory.wrote_at, now - _SLOW_FOR if full and not fresh else now),
            previous=None if full else memory.world,
            only=None if full else memory.unsettled,
        )
        if full:
            memory.full_at, memory.full_for = now, memory.inputs
        return Observations(memory.with_lag(sight.world, now), sight.unreadable)

    def _cloud(self, body: Mapping[str, Any], *, app: AppSpec | None = None, final_snapshot: bool = True) -> Cloud:
        meta, spec = body["metadata"], body.get("spec") or {}
        credentials = spec.get("credentials") or {}
        account = self._world.accounts.get(
            app.region if app else spec.get("region") or self._world.region,
            credentials.get("roleARN", ""),
            credentials.get("externalID", ""),
        )
        number, partition = account.identity()
        stack = StackIdentity(
            name=app.stack_name if app else spec.get("stackName") or meta["name"],
            app=f"{meta['namespace']}/{meta['name']}",
            cluster=self._world.cluster,
            account=number,
            region=account.session.region_name,
            partition=partition,
        )
        zone = (spec.get("domain") or {}).get("credentials") or {}

        def assume(role: str) -> Account:
            return self._world.accounts.get(stack.region, role, zone.get("externalID", ""))

        return Cloud(account, stack, account.inventory, NAMES, final_snapshot=final_snapshot, assume=assume)

    def _kubernetes_secrets(
        self, namespace: str, sources: DataSources
    ) -> tuple[dict[str, tuple[Observed, ...]], dict[str, Health]]:
        """Read the Secrets that a stack wants; return those found, and what to say of those that may not be read."""
        found: dict[str, tuple[Observed, ...]] = {}
        forbidden: dict[str, Health] = {}
        for wanted in sources.kubernetes_secrets:
            try:
                value = (self._world.read_secret(namespace, wanted.secret) or {}).get(wanted.key)
            except PermissionError as refusal:
                forbidden[wanted.address] = wanted.forbidden(namespace, str(refusal))
                continue
            if value:
                attrs = {"value": Sensitive(value)}
                found[wanted.address] = (Observed(KubernetesSecret, wanted.name, wanted.name, attrs),)
        return found, forbidden

    def _failed(self, body: Mapping[str, Any], memory: Memory, health: Health) -> Report:
        now = seconds()
        began = memory.since.setdefault(("", health.reason), now)
        memory.world = None
        status = report.trouble(body, health, utc_now())
        return _finish(body, status, max(1.0, min((now - began) / 4, health.typical_seconds)), "error")


def _finish(body: Mapping[str, Any], status: Mapping[str, Any], delay: float, result: str = "success") -> Report:
    return Report(status, delay, report.events(body.get("status") or {}, status), result=result)


def _result(outcome: Outcome, sight: Observations) -> str:
    healths = {result.health.status for result in outcome.results.values()}
    if "failed" in healths or sight.unreadable:
        return "error"
    return "requeue_after" if "pending" in healths else "success"


def _ours(world: Mapping[str, tuple[Observed, ...]]) -> bool:
    kept = (observed for found in world.values() for observed in found if not observed.kind.RETAINED)
    return any(observed.owned and not observed.kind.EXTERNAL for observed in kept)


def _takes_away(plan: Plan, sight: Observations) -> bool:
    """Tell whether a plan deletes or replaces anything that is not going already."""
    going = {o.id for found in sight.world.values() for o in found if o.state == "deleting"}
    return any(change.id not in going for change in plan.of(Action.DELETE, Action.REPLACE))


def _inputs(body: Mapping[str, Any], secrets: Mapping[str, tuple[Observed, ...]]) -> str:
    """Stand for everything that a pass is asked to make: a difference without a change of these is drift."""
    digest = hashlib.sha256(str(body["metadata"]["generation"]).encode())
    for address, (observed,) in sorted(secrets.items()):
        digest.update(observed.attrs["value"].fingerprint(address).encode())
    return digest.hexdigest()


def _final_snapshot(body: Mapping[str, Any], region: str) -> bool:
    """Tell whether a last snapshot is wanted; a spec that cannot be read gets one: nothing is lost by default."""
    try:
        return parse(body, region).database.final_snapshot
    except InvalidSpec:
        return True

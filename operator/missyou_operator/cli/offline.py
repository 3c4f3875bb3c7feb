"""A stack seen without a cluster: what a command needs that reads AWS and has nothing but a manifest.

The steps are those of a pass of the operator (`controller.inputs`). What only a cluster knows is missing: the values of
Kubernetes Secrets, and whose stack it is. The latter is read from the tags of what exists.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.annotations import TAKE_OVER
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.calls import reads
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import CLUSTER_TAG, UID_TAG
from missyou_operator.aws.informer import Freshness
from missyou_operator.aws.observe import observe
from missyou_operator.aws.session import Accounts
from missyou_operator.cli import manifest
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.controller.environment import Environment
from missyou_operator.controller.inputs import Inputs
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.threads import Threads
from missyou_operator.cost import PriceTable, bundled
from missyou_operator.engine.outcome import Runtime
from missyou_operator.engine.resource import pending
from missyou_operator.engine.schedule import Workers
from missyou_operator.stack.backups import SnapshotRequest
from missyou_operator.stack.lookups import DataSources
from missyou_operator.stack.rotation import RotationRequest

#: The cluster and the app of a stack that nobody has begun: no UID is like that.
NOBODY = "00000000-0000-0000-0000-000000000000"
#: Calls to AWS at the same time.
_WORKERS = 32
_RESYNC = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineStack:
    """One stack, and what the steps of a pass begin with.

    `body`: the MissYouApp as a cluster would have it. `exists`: whether anything in AWS bears the app's tags.
    """

    body: Mapping[str, Any]
    app: AppSpec
    environment: Environment
    inputs: Inputs
    exists: bool

    @property
    def cloud(self) -> Cloud:
        """The handle on the stack in AWS."""
        return self.inputs.cloud


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `from_options` reads."""
    manifest.add_file(parser)
    parser.add_argument(
        "-n", "--namespace", metavar="NS", help="namespace of a manifest without one (default: default)"
    )
    parser.add_argument(
        "--role",
        metavar="ARN",
        help="role to assume instead of spec.credentials.roleARN; '' uses your own credentials in any case",
    )
    parser.add_argument(
        "--cluster",
        metavar="UID",
        help="UID of the cluster whose stack it is, where several have one of this name "
        "(kubectl get namespace kube-system -o jsonpath={.metadata.uid})",
    )


def from_options(options: argparse.Namespace, accounts: Accounts | None = None) -> OfflineStack:
    """Open the stack that the options of a command name. Raises Failure."""
    body = manifest.read(options.filename)
    manifest.parsed(body, options.region, options.filename)
    return open_stack(
        placed(body, options.namespace, options.role),
        options.region or "",
        accounts or Accounts(only_reads),
        cluster=options.cluster or "",
    )


def placed(body: Mapping[str, Any], namespace: str | None = None, role: str | None = None) -> Mapping[str, Any]:
    """Return a manifest as an object of a namespace, and reached by another role where one is given."""
    meta, spec = body["metadata"], dict(body["spec"])
    if role is not None:
        given = {**(spec.get("credentials") or {}), "roleARN": role}
        spec["credentials"] = given if role else None
        spec = {name: value for name, value in spec.items() if value is not None}
    found = namespace or meta.get("namespace") or "default"
    return {**body, "spec": spec, "metadata": {"generation": 1, **meta, "namespace": found}}


def open_stack(  # noqa: PLR0913 - all that an object and a cluster would say
    body: Mapping[str, Any],
    region: str,
    accounts: Accounts,
    *,
    cluster: str = "",
    prices: PriceTable | None = None,
    workers: Workers | None = None,
) -> OfflineStack:
    """Find out whose stack a manifest describes, and return what a pass begins with.

    `body`: an object with namespace (`placed`). `region`: that of a spec without. `cluster`: whose stack is meant where
    several clusters have one of this name. Raises Failure: AWS cannot be read, or several stacks match.
    """
    pool = workers or Threads(_WORKERS, "aws")
    with failures():
        app = manifest.parsed(body, region, "the manifest")
        anybody = _environment(accounts, NOBODY, pool, region, prices)
        owner = _owner(_inputs(_owned(body, NOBODY, takes_over=True), app, anybody), cluster)
        cluster, uid = owner or (cluster or NOBODY, str(body["metadata"].get("uid", NOBODY)))
        environment, whole = _environment(accounts, cluster, pool, region, prices), _owned(body, uid)
        inputs = _inputs(whole, app, environment)
    return OfflineStack(body=whole, app=app, environment=environment, inputs=inputs, exists=owner is not None)


@contextmanager
def failures() -> Iterator[None]:
    """Turn what AWS refuses into a Failure with the remedy that the operator's conditions name, too."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        health = classify(error)
        if health.reason == "InternalError":
            raise
        raise Failure(Exit.AWS, f"{health.reason}: {health.message}") from None


def only_reads(event_name: str, **_: Any) -> None:
    """Refuse every request that could change something: botocore's `before-send`."""
    operation = event_name.rpartition(".")[2]
    if not reads(operation):
        raise PermissionError(f"this command reads AWS only, and {operation} may change it")


def _environment(
    accounts: Accounts, cluster: str, pool: Workers, region: str, prices: PriceTable | None
) -> Environment:
    def nothing(_namespace: str, _name: str) -> None:
        """There is no cluster to read a Secret from: `_inputs` says so."""

    return Environment(accounts, cluster, nothing, pool, region, _RESYNC, prices=prices or bundled())


def _owned(body: Mapping[str, Any], uid: str, *, takes_over: bool = False) -> Mapping[str, Any]:
    meta = {**body["metadata"], "uid": uid}
    if takes_over:
        # What bears the app's name counts as this stack's, whoever's it is.
        meta["annotations"] = {**(meta.get("annotations") or {}), TAKE_OVER: "true"}
        # One that is over does not keep its owner from being found.
        status = {name: value for name, value in (body.get("status") or {}).items() if name != "lastTakeOver"}
        body = {**body, "status": status}
    return {**body, "metadata": meta}


def _inputs(body: Mapping[str, Any], app: AppSpec, environment: Environment) -> Inputs:
    cloud = environment.cloud(body, app, None)
    sources = DataSources(
        app, cloud.stack, SnapshotRequest.of(body), RotationRequest.of(body), environment.boundary_for(cloud.stack)
    )
    unread = {
        key.address: pending(
            Reason.SECRET_NOT_FOUND, f"the Secret {key.secret} is in the cluster: its key {key.key} is not compared"
        )
        for key in sources.kubernetes_secrets
    }
    runtime = Runtime(cloud, environment.pool, classify)
    return Inputs(body=body, memory=Memory(), runtime=runtime, sources=sources, full=True, begun=True, unusable=unread)


def _owner(inputs: Inputs, cluster: str) -> tuple[str, str] | None:
    """Return the UIDs of cluster and app that the tags of what exists name; None where nothing exists."""
    names = inputs.sources.names if inputs.sources else {}
    just_now = Freshness(seconds() - 1.0, anew=True)
    found = observe(inputs.cloud, inputs.runtime, desired_names=names, freshness=lambda _: just_now, begun=True)
    owners = {
        (row.tags[CLUSTER_TAG], row.tags[UID_TAG])
        for row in chain.from_iterable(found.world.values())
        if row.owned and row.tags.keys() >= {CLUSTER_TAG, UID_TAG}
    }
    chosen = {owner for owner in owners if cluster in {"", owner[0]}}
    if len(chosen) > 1:
        listed = "; ".join(f"cluster {one}, app {uid}" for one, uid in sorted(chosen))
        raise Failure(
            Exit.USAGE,
            f"several apps of the name {inputs.cloud.stack.app} have resources: {listed}. Name the cluster with "
            "--cluster; of one cluster, finish the deletion or the take-over of the former app first",
        )
    return next(iter(chosen), None)

"""A MissYouApp as the operator sees it: what a person does to it, and the passes of the operator."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from missyou_operator.api.reasons import explanation
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.session import Accounts
from missyou_operator.controller.environment import Environment
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.reconcile import Reconciler
from missyou_operator.controller.report import Report
from missyou_operator.controller.tenants import Tenants
from missyou_operator.engine.resource import Observed
from missyou_operator.stack.secrets import NotOpaqueError

from . import picture
from .aws import REGION, Aws
from .process import Door, Process
from .seed import SEED
from .workers import Seeded

_MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2},
    "layers": [],
}
_SERIALS = itertools.count(1)
#: The UID of the cluster that the app lives in.
CLUSTER = "cluster-uid"
#: The UID of the app itself.
UID = "app-uid"


def _explained(report: Report) -> None:
    """Check that docs/troubleshooting.md explains every word that a status gives as a reason."""
    words = {condition["reason"] for condition in report.status.get("conditions", ())}
    words |= {resource["state"] for resource in report.status.get("resources", ())} - {"Ready"}
    unexplained = {word for word in words if explanation(word) is None}
    assert not unexplained, f"not in api/reasons.py: {unexplained}"


class App:
    """One app, and the operator's process that serves it."""

    #: The operator's --permissions-boundary.
    permissions_boundary = ""
    #: Seconds on the clock after which a test gives up.
    PATIENCE = 7200.0

    def __init__(self, aws: Aws, name: str, *, accounts: Accounts | None = None, **spec: Any) -> None:
        self.aws, self.clock, self.name = aws, aws.clock, name
        self._shared = accounts
        self._identity = ("somebody", REGION, "")
        #: What the order is drawn from in which the operator does what it could do in any.
        self.seed = SEED
        self.secrets: dict[str, dict[str, str | None]] = {}
        #: The types of Secrets that are not Opaque, by name.
        self.secret_types: dict[str, str] = {}
        #: The cluster's, to which a test adds.
        self.tenants = Tenants(CLUSTER, REGION)
        self.body: dict[str, Any] = {
            "metadata": {"name": name, "namespace": "default", "uid": UID, "generation": 1, "annotations": {}},
            "spec": spec,
            "status": {"observedGeneration": -1},
        }
        #: Whether whoever deletes it confirms that, and whether the operator asks.
        self.confirms = self.asks_to_confirm = True
        #: The operator's AWS_REGION.
        self.region = REGION
        self.reports: list[Report] = []
        #: The UID of its Kubernetes cluster.
        self.cluster = CLUSTER
        self.restart()

    def restart(self, *, ago: float = 3600.0) -> None:
        """Lose everything that the operator remembers; the process that takes over began `ago` seconds ago."""
        self.memory = Memory()
        began = utc_now() - timedelta(seconds=ago)
        self.process = Process(self.door)
        self.accounts = Accounts(self.process) if self._shared is None else self._shared
        self.reconciler = Reconciler(
            Environment(
                self.accounts,
                self.cluster,
                self._read_secret,
                Seeded(self.seed),
                self.region,
                45.0,
                acts_since=lambda: began,
                confirm_deletion=self.asks_to_confirm,
                record_place=lambda _namespace, _name, place: self.annotate("place", place),
                tenants=self.tenants,
                permissions_boundary=self.permissions_boundary,
            )
        )

    def _read_secret(self, _: str, name: str) -> dict[str, str | None] | None:
        if (type_ := self.secret_types.get(name)) is not None:
            raise NotOpaqueError(type_)
        return self.secrets.get(name)

    @property
    def door(self) -> Door:
        """Where the operator's requests go in: AWS's own, unless a test puts something before it."""
        return self.aws

    def edit(self, **spec: Any) -> None:
        """Change the spec, as `kubectl apply` does; fields given as mappings are merged one level deep."""
        for key, value in spec.items():
            old = self.body["spec"].get(key)
            self.body["spec"][key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
        self.body["metadata"]["generation"] += 1

    def annotate(self, name: str, value: str) -> None:
        self.body["metadata"]["annotations"][f"missyou.app/{name}"] = value

    def observe_now(self) -> Report:
        """Ask for a full observation, as `kubectl annotate missyou.app/reconcile=…` does, and run the pass."""
        self.annotate("reconcile", str(next(_SERIALS)))
        return self.one_pass()

    def one_pass(self) -> Report:
        # What the pass itself writes into the object is not in the one that it was given.
        meta = {**self.body["metadata"], "annotations": dict(self.body["metadata"]["annotations"])}
        report = self.reconciler.reconcile({**self.body, "metadata": meta}, self.memory, lambda: False)
        self.body["status"] = dict(report.status)
        _explained(report)
        self.reports.append(report)
        return report

    def passes(self, number: int) -> None:
        """Run some passes, as far apart as the operator wants."""
        for _ in range(number):
            self.one_pass()
            self.wait()

    def wait(self) -> None:
        """Let as much time pass as the operator wants to wait."""
        self.clock.now += max(self.reports[-1].requeue_after, 0.1) if self.reports else 1.0

    def until(self, done: Callable[[Mapping[str, Any]], bool], what: str) -> Mapping[str, Any]:
        """Run passes until the status is as wanted; bounded."""
        deadline = self.clock.now + self.PATIENCE
        while not done(self.one_pass().status):
            if self.clock.now > deadline:
                raise AssertionError(f"not {what}: {json.dumps(self.body['status']['conditions'], indent=1)}")
            self.wait()
        return self.body["status"]

    def grow(self) -> Mapping[str, Any]:
        """Run passes until Ready; an image is pushed when the stack asks for one, once: reads lag behind the push."""
        pushed = False

        def ready(_: Mapping[str, Any]) -> bool:
            nonlocal pushed
            if self.reason("ServiceReady") == "ImageNotFound" and not pushed:
                self.push()
                pushed = True
            return self.condition("Ready")["status"] == "True"

        return self.until(ready, "Ready")

    def settle(self) -> None:
        """Run passes until Ready, and on until the clock is past what lingers (interfaces, draining targets)."""
        self.grow()
        self.until(lambda _: self.condition("InSync")["status"] == "True", "in sync")
        self.clock.now += 60.0
        self.observe_now()
        self.grow()

    def stays_in_sync(self, ready: str = "Ready") -> None:
        """Run passes until AWS is as the spec says; a further observation then changes neither AWS nor the status."""
        self.until(lambda _: self.condition("InSync")["status"] == "True", "in sync")
        self.observe_now()  # what holds data is recorded once it is read back
        before = self.body["status"]
        assert changes(self.calls(self.observe_now)) == {}
        after = {**self.body["status"], "lastHandledReconcileAt": None}
        assert after == {**before, "lastHandledReconcileAt": None, "lastSyncTime": after["lastSyncTime"]}
        assert self.condition(ready)["status"] == "True"

    def deletion_pass(self) -> Report:
        if self.confirms:
            self.annotate("confirm-deletion", self.name)
        report = self.reconciler.teardown(self.body, self.memory, lambda: False)
        self.body["status"] = dict(report.status)
        self.reports.append(report)
        return report

    def delete(self) -> int:
        """Run passes of the deletion until all is gone; give their number."""
        deadline = self.clock.now + self.PATIENCE
        for number in itertools.count(1):
            if self.deletion_pass().done:
                return number
            if self.clock.now > deadline:
                raise AssertionError(f"not gone: {json.dumps(self.body['status'].get('blockers'), indent=1)}")
            self.wait()
        raise AssertionError

    def push(self, tag: str | None = None) -> None:
        """Register an image, as `docker push` does: always the same under a tag that is free, another over a taken one.

        So two worlds that were pushed to alike have the same digests.
        """
        tag, ecr = tag or self.body["spec"].get("image", {}).get("tag", "latest"), self.client("ecr")
        try:
            taken = ecr.batch_get_image(repositoryName=self.stack, imageIds=[{"imageTag": tag}])["images"]
        except ecr.exceptions.RepositoryNotFoundException:
            # Reads lag: what is as new as that has no images.
            taken = []
        content = hashlib.sha256("".join([tag, *(image["imageId"]["imageDigest"] for image in taken)]).encode())
        manifest = {**_MANIFEST, "config": {**_MANIFEST["config"], "digest": f"sha256:{content.hexdigest()}"}}
        ecr.put_image(repositoryName=self.stack, imageTag=tag, imageManifest=json.dumps(manifest))

    def has_pushed(self, tag: str) -> bool:
        """Return whether an image is under a tag."""
        ids = [{"imageTag": tag}]
        return bool(self.client("ecr").batch_get_image(repositoryName=self.stack, imageIds=ids)["images"])

    @property
    def world(self) -> Mapping[str, tuple[Observed, ...]]:
        """What the operator has observed last."""
        asleep = self.memory.asleep
        world: Mapping[str, tuple[Observed, ...]] = asleep[0].unpack() if asleep else self.memory.world
        return world or {}

    @property
    def stack(self) -> str:
        return str(self.body["spec"].get("stackName", self.name))

    def account(self, number: str) -> None:
        """Look at another account from now on, in eu-west-1."""
        role = f"arn:aws:iam::{number}:role/somebody"
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        self._identity = (found["AccessKeyId"], "eu-west-1", found["SessionToken"])

    def client(self, service: str) -> Any:
        """Give a client of somebody who is not the operator."""
        return self.aws.client(service, *self._identity)

    def condition(self, type_: str) -> Mapping[str, Any]:
        found = [c for c in self.body["status"].get("conditions", []) if c["type"] == type_]
        return found[0] if found else {"status": "", "reason": "", "message": ""}

    def reason(self, type_: str) -> str:
        return str(self.condition(type_)["reason"])

    def resource(self, type_: str, name: str) -> Mapping[str, Any]:
        [found] = [r for r in self.body["status"]["resources"] if (r["type"], r["name"]) == (type_, name)]
        return found

    def everything(self) -> picture.Picture:
        """Give all that is in AWS, so that two worlds can be compared."""
        return picture.everything(self.client)

    def calls(self, work: Callable[[], Any]) -> dict[str, int]:
        """Give the calls to AWS that some work takes."""
        before = self.aws.control.ledger.summary()["counts"]
        work()
        after = self.aws.control.ledger.summary()["counts"]
        return {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}


def changes(calls: Mapping[str, int]) -> dict[str, int]:
    """Give the mutating ones among calls."""
    reading = ("Describe", "List", "Get", "BatchGet", "Simulate")
    return {name: count for name, count in calls.items() if not name.partition(":")[2].startswith(reading)}

"""One stack driven pass by pass against the test AWS: no Kubernetes, no threads of its own, nothing mocked."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import boto3

from missyou_local.aws import Server
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.session import Accounts
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.reconcile import Reconciler, World
from missyou_operator.controller.report import Report

REGION = "us-east-1"
#: The operator's access key: it is told apart from the test's own calls by it.
OPERATOR = "operator"
_MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 2,
        "digest": f"sha256:{'0' * 64}",
    },
    "layers": [],
}
_SERIALS = itertools.count(1)


class Killed(BaseException):
    """Ends a pass as the end of the process does: no handler of the operator's sees it."""


def leads_to(server: Server) -> dict[str, str]:
    """Give the environment variables that lead the operator's boto3 to a test AWS."""
    return {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": OPERATOR,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class App:
    """A MissYouApp as the operator sees it, and what a person does to it."""

    #: Seconds after which a test gives up.
    PATIENCE = 180.0

    def __init__(self, aws: Server, name: str, **spec: Any) -> None:
        self.aws, self.name = aws, name
        # Faults are for the operator's calls; those of the test's own have another key.
        self._session = boto3.Session("somebody", "secret", region_name=REGION)
        self.secrets: dict[str, dict[str, str]] = {}
        self.body: dict[str, Any] = {
            "metadata": {"name": name, "namespace": "default", "generation": 1, "annotations": {}},
            "spec": spec,
            "status": {"observedGeneration": -1},
        }
        self.reports: list[Report] = []
        self.restart()

    def restart(self, *, ago: float = 3600.0) -> None:
        """Lose everything that the operator remembers; the process that takes over began `ago` seconds ago."""
        self.memory = Memory()
        self.pool = pool = ThreadPoolExecutor(16)
        self.reconciler = Reconciler(
            World(
                Accounts(),
                "cluster-uid",
                lambda _, name: self.secrets.get(name),
                pool,
                REGION,
                45.0,
                started=utc_now() - timedelta(seconds=ago),
            )
        )

    def edit(self, **spec: Any) -> None:
        """Change the spec, as `kubectl apply` does; fields given as mappings are merged one level deep."""
        for key, value in spec.items():
            old = self.body["spec"].get(key)
            self.body["spec"][key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
        self.body["metadata"]["generation"] += 1

    def annotate(self, name: str, value: str) -> None:
        self.body["metadata"]["annotations"][f"missyou.app/{name}"] = value

    def look_now(self) -> Report:
        """Ask for a full look, as `kubectl annotate missyou.app/reconcile=…` does, and run the pass."""
        self.annotate("reconcile", str(next(_SERIALS)))
        return self.one_pass()

    def one_pass(self) -> Report:
        report = self.reconciler.reconcile(self.body, self.memory, lambda: False)
        self.body["status"] = dict(report.status)
        self.reports.append(report)
        return report

    def until(self, done: Callable[[Mapping[str, Any]], bool], what: str) -> Mapping[str, Any]:
        """Run passes until the status is as wanted; bounded."""
        deadline = self.time() + self.PATIENCE
        while not done(self.one_pass().status):
            if self.time() > deadline:
                raise AssertionError(f"not {what}: {json.dumps(self.body['status']['conditions'], indent=1)}")
            self.wait()
        return self.body["status"]

    def time(self) -> float:
        """Give the seconds that patience is measured in."""
        return time.monotonic()

    def wait(self) -> None:
        """Let the test AWS's clock move on between two passes; no test depends on how far."""
        time.sleep(0.2)

    def grow(self) -> Mapping[str, Any]:
        """Run passes until Ready; an image is pushed when the stack asks for one."""

        def ready(_: Mapping[str, Any]) -> bool:
            if self.reason("ServiceReady") == "ImageNotFound":
                self.push()
            return self.condition("Ready")["status"] == "True"

        return self.until(ready, "Ready")

    def delete(self) -> int:
        """Run passes of the deletion until all is gone; give their number."""
        deadline = self.time() + self.PATIENCE
        for number in itertools.count(1):
            report = self.reconciler.teardown(self.body, self.memory, lambda: False)
            self.reports.append(report)
            if report.done:
                return number
            self.body["status"] = dict(report.status)
            if self.time() > deadline:
                raise AssertionError(f"not gone: {json.dumps(self.body['status'].get('blockers'), indent=1)}")
            self.wait()
        raise AssertionError

    def push(self, tag: str | None = None) -> None:
        """Register an image, as `docker push` does."""
        tag = tag or self.body["spec"].get("image", {}).get("tag", "latest")
        manifest = {**_MANIFEST, "config": {**_MANIFEST["config"], "size": next(_SERIALS)}}
        self.client("ecr").put_image(repositoryName=self.stack, imageTag=tag, imageManifest=json.dumps(manifest))

    @property
    def stack(self) -> str:
        return str(self.body["spec"].get("stackName", self.name))

    def account(self, number: str) -> None:
        """Look at another account from now on, in eu-west-1."""
        role = f"arn:aws:iam::{number}:role/somebody"
        found = boto3.client("sts", region_name=REGION).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        self._session = boto3.Session(
            found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], region_name="eu-west-1"
        )

    def client(self, service: str) -> Any:
        """Give a client of somebody who is not the operator."""
        return self._session.client(service)

    def condition(self, type_: str) -> Mapping[str, Any]:
        found = [c for c in self.body["status"].get("conditions", []) if c["type"] == type_]
        return found[0] if found else {"status": "", "reason": "", "message": ""}

    def reason(self, type_: str) -> str:
        return str(self.condition(type_)["reason"])

    def resource(self, type_: str, name: str) -> Mapping[str, Any]:
        [found] = [r for r in self.body["status"]["resources"] if (r["type"], r["name"]) == (type_, name)]
        return found

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


def faults(server: Server, *rules: Mapping[str, Any]) -> None:
    """Have the test AWS act by these rules from now on, and by no others."""
    answer = server.control.answer("POST", "/_control", json.dumps({"rules": rules}).encode())
    assert answer.status == 200, answer.body

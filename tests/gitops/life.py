"""The life of one app from new to gone, with what may go wrong: each pass's status beside what is so in AWS."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from missyou_local.aws import Timing
from tests.sim.app import App
from tests.sim.aws import Aws

#: Seconds, about what AWS takes: something that merely takes long must be seen to do so.
TIMING = Timing(
    rds=720.0,
    rds_modify=300.0,
    rds_delete=120.0,
    nat=115.0,
    nat_delete=60.0,
    alb=120.0,
    task=30.0,
    healthy=30.0,
    task_stop=30.0,
    eni=60.0,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """The object after a pass or a change of spec.

    `works`: AWS itself says that the app is served, by the image that the spec names. `trouble`: somebody has brought
    about what only a person can mend. `name` is that of a state of `states.py`, or "".
    """

    obj: dict[str, Any]
    works: bool
    trouble: bool
    name: str = ""


class Watched(App):
    """An app all of whose statuses are kept."""

    def __init__(self, aws: Aws, name: str, **spec: Any) -> None:
        self.moments: list[Moment] = []
        self._trouble, self._deleting, self._began = False, False, aws.clock.now
        super().__init__(aws, name, **spec)
        self._keep()

    def one_pass(self) -> Any:
        report = super().one_pass()
        self._keep()
        return report

    def edit(self, **spec: Any) -> None:
        super().edit(**spec)
        # What a tool sees until the operator has observed AWS: the status of the spec before.
        self._keep()

    def wait(self) -> None:
        if self._deleting:
            self._keep()
        super().wait()

    def ask_to_delete(self) -> None:
        """Do what the API server does for `kubectl delete`."""
        self._deleting = True
        self.annotate("confirm-deletion", self.name)
        self.body["metadata"]["deletionTimestamp"] = _time(self.clock.now)
        self.body["metadata"]["generation"] += 1
        self._keep()

    def teardown(self) -> None:
        """Run one pass of the deletion."""
        report = self.reconciler.teardown(self.body, self.memory, lambda: False)
        self.reports.append(report)
        self.body["status"] = dict(report.status)
        self._keep()

    def name_this(self, name: str) -> None:
        """Give the newest moment the name of a state."""
        newest = self.moments.pop()
        self.moments.append(Moment(newest.obj, newest.works, newest.trouble, name))

    @contextlib.contextmanager
    def in_trouble(self) -> Iterator[None]:
        """Mark the moments in which only a person can help."""
        self._trouble = True
        yield
        self._trouble = False

    @contextlib.contextmanager
    def rules(self, *rules: dict[str, Any]) -> Iterator[None]:
        """Let the test AWS refuse or fail meanwhile."""
        self.aws.faults(*rules)
        yield
        self.aws.faults()

    def works(self) -> bool:
        """Ask AWS, not the operator, whether the app is served as the spec says."""
        try:
            # The tasks first: they are the last to come and the first to go, and so answer for the most moments.
            return self._tasks_run() and self._targets_are_healthy() and self._database_answers()
        except ClientError:
            return False

    def _database_answers(self) -> bool:
        found = self.client("rds").describe_db_instances(DBInstanceIdentifier=f"{self.name}-db")["DBInstances"]
        return found[0]["DBInstanceStatus"] in {"available", "backing-up", "modifying", "storage-optimization"}

    def _tasks_run(self) -> bool:
        ecs = self.client("ecs")
        names = {"cluster": f"{self.name}-cluster", "services": [f"{self.name}-service"]}
        services = ecs.describe_services(**names)["services"]
        if not services:
            return False
        [service] = services
        definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        [container] = definition["containerDefinitions"]
        tag = self.body["spec"].get("image", {}).get("tag", "latest")
        rolled_out = container["dockerLabels"] == {"missyou.app/tag": tag}
        return service["runningCount"] >= service["desiredCount"] > 0 and rolled_out

    def _targets_are_healthy(self) -> bool:
        elb = self.client("elbv2")
        [balancer] = elb.describe_load_balancers(Names=[f"{self.name}-alb"])["LoadBalancers"]
        listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
        states = [
            target["TargetHealth"]["State"]
            for listener in listeners
            for target in elb.describe_target_health(TargetGroupArn=listener["DefaultActions"][0]["TargetGroupArn"])[
                "TargetHealthDescriptions"
            ]
        ]
        return balancer["State"]["Code"] == "active" and "healthy" in states

    def _keep(self) -> None:
        obj = copy.deepcopy({"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouApp", **self.body})
        obj["metadata"]["creationTimestamp"] = _time(self._began)
        self.moments.append(Moment(obj, self.works(), self._trouble))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""States of a MissYouApp, recorded from a run of the real passes against the test AWS: no status is written by hand.

`python -m tests.gitops.recording` writes those that have a name to testdata/, where Argo CD's own tests want them.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_local.aws import Server, Timing, serve
from missyou_operator.aws import clock as operators_clock
from tests.crash.stepped import Clock, Stepped
from tests.passes.harness import leads_to

ROOT = Path(__file__).parents[2]
CUSTOMIZATION = ROOT / "gitops/argocd/resource_customizations/missyou.app/MissYouApp"
TESTDATA = CUSTOMIZATION / "testdata"
Object = dict[str, Any]


@dataclass(slots=True)
class Recording:
    """`named` are the moments that have a name; `creation`, `change` and `deletion` every status of these, in order."""

    named: dict[str, Object] = field(default_factory=dict)
    creation: list[Object] = field(default_factory=list)
    change: list[Object] = field(default_factory=list)
    deletion: list[Object] = field(default_factory=list)


class Recorded(Stepped):
    """A stack of which every status is kept, as the object that a GitOps tool would see."""

    def seen(self, **metadata: Any) -> Object:
        return copy.deepcopy(
            {
                "apiVersion": "missyou.app/v1alpha1",
                "kind": "MissYouApp",
                **self.body,
                "metadata": {**self.body["metadata"], **metadata},
            }
        )

    def passes(self, into: list[Object], until: str = "", most: int = 400) -> None:
        """Run passes until Ready is True, or has a reason; keep each status."""
        for _ in range(most):
            self.one_pass()
            into.append(self.seen())
            ready = self.condition("Ready")
            if (
                (ready["reason"] == until)
                if until
                else (ready["status"] == "True" and not self.condition("Reconciling")["status"])
            ):
                return
            self.wait()
        raise AssertionError(f"not {until or 'Ready'}: {json.dumps(self.body['status']['conditions'], indent=1)}")


def record(aws: Server, clock: Clock) -> Recording:
    """Lead a stack through its life, and note what it looks like."""
    made = Recording()
    app = Recorded(aws, clock, "missyou", environment="Development", loadBalancer={"deletionProtection": False})
    made.named["new"] = app.seen()
    asleep = Recorded(aws, clock, "asleep", suspend=True)
    asleep.one_pass()
    made.named["suspended_from_the_start"] = asleep.seen()
    app.one_pass()
    made.named["creating"] = app.seen()
    made.creation.append(app.seen())
    app.passes(made.creation, "ImageNotFound")
    made.named["image_not_found"] = app.seen()
    app.push()
    app.passes(made.creation)
    made.named["ready"] = app.seen()
    app.edit(service={"port": 9000})
    made.named["stale_generation"] = app.seen()
    app.passes(made.change)
    _troubles(app, made)
    app.body["metadata"]["deletionTimestamp"] = "2027-01-15T09:00:00Z"
    for _ in range(400):
        report = app.reconciler.teardown(app.body, app.memory, lambda: False)
        if report.done:
            break
        app.body["status"] = dict(report.status)
        app.reports.append(report)
        made.deletion.append(app.seen())
        app.wait()
    made.named["deleting"] = made.deletion[0]
    return made


def _troubles(app: Recorded, made: Recording) -> None:
    """What goes wrong in a stack that was ready."""
    spec = copy.deepcopy(app.body["spec"])
    app.edit(suspend=True)
    app.one_pass()
    made.named["suspended"] = app.seen()
    app.edit(suspend=False, service={"cpu": 300})
    app.one_pass()
    made.named["invalid_spec"] = app.seen()
    app.body["spec"] = {**copy.deepcopy(spec), "suspend": False}
    app.edit(image={"tag": "absent"})
    app.passes([], "ImageNotFound")
    made.named["image_absent"] = app.seen()
    app.body["spec"] = copy.deepcopy(spec)
    app.edit(suspend=False)
    app.passes([])
    app.edit(driftPolicy="Report")
    app.passes([])
    app.client("logs").put_retention_policy(logGroupName="/ecs/missyou", retentionInDays=365)
    app.clock.now += 45.0
    app.look_now()
    made.named["drifted"] = app.seen()
    app.edit(driftPolicy="Correct", image={"repository": "public.ecr.aws/somebody/else"})
    app.passes([], "ApprovalRequired", 40)
    made.named["waiting_for_approval"] = app.seen()
    app.body["spec"] = copy.deepcopy(spec)
    app.edit(driftPolicy="Correct")
    app.passes([])


def conditions(seen: Object) -> list[tuple[str, str, str]]:
    """Give what of a state the verdicts hang on."""
    return [(c["type"], c["status"], c["reason"]) for c in seen.get("status", {}).get("conditions", ())]


def committed() -> dict[str, Object]:
    """Give the recorded states of testdata/, by name."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted(TESTDATA.glob("*.yaml"))}


def main() -> None:
    environ, clock = pytest.MonkeyPatch(), Clock()
    server = serve(timing=Timing(), clock=clock)
    for name, value in leads_to(server).items():
        environ.setenv(name, value)
    environ.setattr(operators_clock, "CLOCK", operators_clock.Clock(clock, clock))
    for name, seen in record(server, clock).named.items():
        TESTDATA.mkdir(exist_ok=True)
        (TESTDATA / f"{name}.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(seen)), sort_keys=False))
    server.close()


if __name__ == "__main__":
    main()

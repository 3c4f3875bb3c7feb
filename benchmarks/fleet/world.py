"""A test AWS that holds as many production stacks as wanted: two are created by the operator, the others are copies.

    with simulated(Timing.instant()) as aws:
        fleet = Fleet(aws)
        fleet.grow(1000)
        fleet.bodies         # the MissYouApp objects, spec and status, that fit

`tests/passes/test_fleet.py` shows that copies answer as stacks that were created for real.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

from missyou_local.aws.template import Mark, Template
from missyou_operator.controller.tenants import Tenants
from tests.sim.app import CLUSTER, App
from tests.sim.aws import REGION, Aws

from .renaming import Derivations, Renaming

#: What the issue calls a production stack: 55 resources.
SPEC: dict[str, Any] = {"environment": "Production"}


def name_of(number: int) -> str:
    """Return the name of an app, from its number in the fleet."""
    return f"fleet-{number:04d}"


def uid_of(number: int) -> str:
    """Return the UID of an app that no API server has given one."""
    return f"00000000-0000-4000-8000-{number:012d}"


class Fleet:
    """Production stacks, settled.

    `uid` returns the UID of the app with a number, which an API server may have chosen, and `cluster` is its cluster's.
    """

    def __init__(self, aws: Aws, uid: Callable[[int], str] = uid_of, *, cluster: str = CLUSTER) -> None:
        self._aws, self._uid, self._cluster = aws, uid, cluster
        self.bodies: list[dict[str, Any]] = []
        self._template: Template | None = None
        self._renaming: Renaming | None = None

    def grow(self, number: int) -> Sequence[dict[str, Any]]:
        """Let there be so many stacks. The first two are created by the operator's own passes."""
        if not self.bodies and number:
            self.bodies.append(self._create(1))
        if len(self.bodies) == 1 and number > 1:
            self.bodies.append(self._record())
        for each in range(len(self.bodies) + 1, number + 1):
            self.bodies.append(self._copy(each))
        return self.bodies

    def create(self) -> dict[str, Any]:
        """Add one more stack by the operator's own passes, however many copies there are."""
        self.bodies.append(self._create(len(self.bodies) + 1))
        return self.bodies[-1]

    def _create(self, number: int) -> dict[str, Any]:
        app = App(self._aws, name_of(number), **copy.deepcopy(SPEC))
        app.body["metadata"]["uid"] = self._uid(number)
        app.cluster, app.tenants = self._cluster, Tenants(self._cluster, REGION)
        app.restart()
        app.settle()
        return app.body

    def _record(self) -> dict[str, Any]:
        """Create the second stack, and keep it as a template. What stacks share is there since the first."""
        before, derivations = Mark(), Derivations()
        with derivations.recorded():
            body = self._create(2)
        everything = before.template(lambda _: True).strings
        others = "\n".join(before.strings)
        self._renaming = Renaming(
            [*everything, json.dumps(body)], (name_of(2), self._uid(2)), derivations, others.__contains__
        )
        self._template = before.template(self._renaming.concerns)
        return body

    def _copy(self, number: int) -> dict[str, Any]:
        assert self._template is not None
        assert self._renaming is not None
        rewrite = self._renaming.copy(number, name_of(number), self._uid(number))
        self._template.stamp(rewrite)
        body: dict[str, Any] = json.loads(rewrite(json.dumps(self.bodies[1])))
        return body

"""Several apps of one operator on one clock: each has its passes when it wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from missyou_operator.aws.rates import app as on_behalf_of

from .app import App
from .aws import Aws


class Fleet:
    """Apps that share what the apps of an operator share: its connections to AWS, reads of whole accounts, rates."""

    def __init__(self, aws: Aws, names: Sequence[str], **spec: Any) -> None:
        first = App(aws, names[0], **spec)
        self.aws, self.clock = aws, aws.clock
        self.apps = [first, *(App(aws, name, accounts=first.accounts, **spec) for name in names[1:])]
        for app in self.apps:
            app.body["metadata"]["uid"] = f"uid-of-{app.name}"

    def live(self, step: Callable[[App], bool], what: str) -> None:
        """Give each app a step (a pass) as often as it wants, until all have returned True."""
        due = dict.fromkeys(self.apps, self.clock.now)
        deadline = self.clock.now + App.PATIENCE
        while due:
            app = min(due, key=lambda each: due[each])
            self.clock.now = max(self.clock.now, due[app])
            assert self.clock.now < deadline, f"not {what}: {app.name}"
            on_behalf_of.set(f"default/{app.name}")
            if step(app):
                del due[app]
            else:
                due[app] = self.clock.now + max(app.reports[-1].requeue_after, 0.1)

    def grow(self) -> None:
        """Run passes until all are Ready; images are pushed when a stack asks for one."""

        def step(app: App) -> bool:
            app.one_pass()
            if app.reason("ServiceReady") == "ImageNotFound" and not app.has_pushed("latest"):
                app.push()
            return app.condition("Ready")["status"] == "True"

        self.live(step, "Ready")

    def delete(self) -> None:
        """Run passes of the deletions until all are gone."""
        self.live(lambda app: app.deletion_pass().done, "gone")

    def throttled(self) -> list[str]:
        """Return the operator's calls that AWS has throttled so far."""
        codes = ("Throttl", "RequestLimitExceeded", "TooManyRequests")
        entries = self.aws.control.ledger.entries(caller="operator")
        return [entry["operation"] for entry in entries if str(entry["error"]).startswith(codes)]

"""The stack that most tests of whole stacks live with, what changes most in it, and how each stage is reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .app import App
from .aws import Aws

#: What replaces and moves most: another port (target group, rules, revision), another name, one gateway less.
CHANGED: dict[str, Any] = {
    "service": {"port": 9000},
    "network": {"natGateways": 1},
    "monitoring": {"logRetentionDays": 14},
    "domain": {"name": "www.example.com"},
}


def production(aws: Aws) -> App:
    """Make a production stack's app in an AWS that is empty but for the zone of its name."""
    aws.reset()
    app = App(
        aws,
        "crash",
        environment="Production",
        database={"deletionProtection": False},
        loadBalancer={"deletionProtection": False},
        domain={"name": "app.example.com"},
    )
    make_zone(app)
    return app


def make_zone(app: App) -> None:
    app.client("route53").create_hosted_zone(Name="example.com", CallerReference="crash")


def nothing(_: App) -> None:
    """The stack is not there yet."""


def change(app: App) -> None:
    if app.body["metadata"]["generation"] == 1:
        app.edit(**CHANGED)
    app.settle()


def remove(app: App) -> None:
    app.delete()
    app.clock.now += 60.0


Work = Callable[[App], None]
#: What comes before, and what is to be disturbed.
SCENARIOS: dict[str, tuple[Work, Work]] = {
    "creation": (nothing, App.settle),
    "update": (App.settle, change),
    "deletion": (App.settle, remove),
}

"""Events in the simulation: they are installed as a person does it, and heard as the operator's process hears them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.cloud import Known
from missyou_operator.controller.listening import Listening, Source
from missyou_operator.controller.place import Place, recorded
from missyou_operator.events import installing
from missyou_operator.events.declaration import Declaration
from missyou_operator.events.deeds import Deed

from .app import CLUSTER, App
from .aws import REGION

DECLARED = Declaration(CLUSTER, "123456789012", REGION)


class Clients:
    def __init__(self, client: Callable[..., Any]) -> None:
        self.client = self.client_without_retries = client


def install(app: App, declared: Declaration = DECLARED, *, trail: bool = True) -> list[str]:
    """Make rules and queue, and a trail; return what was done."""
    if trail:
        app.client("s3").create_bucket(Bucket="trails")
        cloudtrail = app.client("cloudtrail")
        cloudtrail.create_trail(Name="management", S3BucketName="trails", IsMultiRegionTrail=True)
        cloudtrail.start_logging(Name="management")
    return make(installing.install(Clients(app.client), declared))


def uninstall(app: App, declared: Declaration = DECLARED) -> list[str]:
    return make(installing.uninstall(Clients(app.client), declared))


def make(steps: Any) -> list[str]:
    done = []
    for step in steps:
        step.make()
        done.append(step.text)
    return done


class Ears:
    """The process's listening, with one app.

    `heard`: the types that the app was told to read, by batch of events. `turns`: whether the event loop does.
    """

    def __init__(self, app: App) -> None:
        self.app, self.heard = app, []
        self.counts: dict[str, int] = {}
        self.source = Source.of(REGION, REGION, CLUSTER)
        self.listening = Listening(
            app.accounts, [self.source], lambda: {("default", app.name): self}, self.deliver, self.count
        )
        self.url = app.client("sqs").get_queue_url(QueueName=DECLARED.queue)["QueueUrl"]
        self.turns = True
        self.place: Place | None = recorded(app.body)

    def deliver(self, work: Callable[[], None]) -> bool:
        if self.turns:
            work()
        return self.turns

    def count(self, result: str, number: int) -> None:
        self.counts[result] = self.counts.get(result, 0) + number

    def hears(self, account: str = DECLARED.account) -> bool:
        return self.listening.hears(account, REGION, seconds())

    ours = True

    @property
    def known(self) -> Known:
        return self.app.memory.known or {}

    def hear(self, types: Collection[str], deeds: Sequence[Deed], again_in: float | None) -> None:
        for deed in deeds:
            self.app.memory.deeds.add(deed, utc_now())
        self.app.memory.touch(dict.fromkeys(types, seconds()))
        self.heard.append(frozenset(types))

    def listen(self, wait: float = 5.0) -> list[frozenset[str]]:
        """Let time pass, poll until the queue is empty, and return the types that the app was told to read."""
        self.heard = []
        # A change of state is found by the first poll, and told of in the second.
        for seconds_ in (wait, 1.0):
            self.app.clock.now += seconds_
            while self.listening.poll(self.source, self.url):
                pass
        return self.heard

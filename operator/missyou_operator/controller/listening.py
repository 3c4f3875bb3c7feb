"""Listening to AWS: a thread per queue polls it, and an event about a stack's resources wakes the stack.

An event causes reads, and nothing else: whatever a message says, what is done follows from the spec and from what AWS
answers. So lost, doubled, late, reordered and forged events are harmless. docs/events.md is the page for people.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.cloud import Known
from missyou_operator.aws.errors import classify
from missyou_operator.aws.session import Accounts
from missyou_operator.controller.baseline import LAG
from missyou_operator.controller.place import Place
from missyou_operator.controller.shards import NotLeaderError
from missyou_operator.engine.errors import FlakyError, NotYetError
from missyou_operator.events.declaration import queue_name
from missyou_operator.events.deeds import Deed
from missyou_operator.events.index import Index, Key, Touched
from missyou_operator.events.installing import why_no_calls
from missyou_operator.events.notice import Notice, parse
from missyou_operator.events.who import principal

logger = logging.getLogger(__name__)

#: Seconds that a poll waits for a message, and the most messages of one: the most that SQS allows of both.
_WAIT, _MOST = 20, 10
#: Seconds after the end of the last good poll in which events count as coming.
_HEALTHY_FOR = 60.0
#: How often an event is passed on from replica to replica, at most.
_PASSES = 20
#: Seconds until the queue is polled again after an error: at first, and at most.
_FIRST, _LATEST = 1.0, 30.0
_URL = re.compile(r"https?://[^/\s]+/\d{12}/[\w-]{1,80}")
_HOST = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com[./]")
#: Seconds until a trail is looked for again, if there was none and if there was one.
_TRAIL_SOON, _TRAIL = 300.0, 3600.0
_MISSING = ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")


class Listener(Protocol):
    """An app that is told of events, if it is `ours`: not another replica's.

    Any thread may look at it; `hear` belongs to the event loop.
    """

    @property
    def ours(self) -> bool:
        """Whether this process works on the app."""

    @property
    def known(self) -> Known:
        """The stack's resources by ID, by type."""

    @property
    def place(self) -> Place | None:
        """Where the stack lives, None before that is decided."""

    def hear(self, types: Collection[str], deeds: Sequence[Deed], again_in: float | None) -> None:
        """Read types now, and once more after some seconds if AWS may not show yet what has happened."""


@dataclass(frozen=True, slots=True)
class Source:
    """A queue: its region, and its URL or else its name."""

    region: str
    url: str = ""
    name: str = ""

    @classmethod
    def of(cls, text: str, region: str, cluster: str) -> Source:
        """Return the queue that a setting means: a region's own one, or that of a URL."""
        if not _URL.fullmatch(text):
            return cls(text, name=queue_name(cluster))
        host = _HOST.match(text)
        return cls(host[1] if host else region, url=text)

    def __str__(self) -> str:
        return self.url or f"{self.name} in {self.region}"


def is_source(text: str) -> bool:
    """Return whether a setting is the name of a region or the URL of a queue."""
    return bool(re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", text) or _URL.fullmatch(text))


@dataclass(slots=True)
class _State:
    """How the polling of one queue goes. `healthy_at`: when a poll last succeeded (monotonic seconds).

    `account`: whose queue it is, "" before that is known. `deaf`: why no calls are heard of, "" if they are, and
    `trail_at` when that is to be found out again.
    """

    account: str = ""
    healthy_at: float = float("-inf")
    trouble: str = ""
    pause: float = _FIRST
    deaf: str = "nobody has looked for a trail yet"
    trail_at: float = float("-inf")


class Listening:
    """All queues of an operator.

    `deliver` hands a function over to the event loop; it returns whether that turns. `listeners` returns the apps, and
    `count` counts the events by what became of them (`matched`, `other`, `own`, `unread`).
    """

    def __init__(
        self,
        accounts: Accounts,
        sources: Sequence[Source],
        listeners: Callable[[], Mapping[Key, Listener]],
        deliver: Callable[[Callable[[], None]], bool],
        count: Callable[[str, int], None] = lambda *_: None,
    ) -> None:
        self._accounts, self._listeners, self._deliver, self._count = accounts, listeners, deliver, count
        self._states = {source: _State() for source in sources}
        self._index, self._lock, self._ended = Index(), threading.Lock(), threading.Event()
        self._own: str | None = None
        self._roles: dict[Key, str] = {}

    def begin(self) -> None:
        """Start a thread for each queue."""
        self._ended = threading.Event()
        for source in self._states:
            thread = threading.Thread(target=self._run, args=(source, self._ended), name="events", daemon=True)
            thread.start()

    def end(self) -> None:
        """Have the threads end, each after its poll."""
        self._ended.set()

    def hears(self, account: str, region: str, now: float) -> bool:
        """Return whether all that changes in an account and region is heard of.

        Its queue was polled in the last minute, and a trail logs calls. `now`: monotonic seconds.
        """
        return any(
            (state.account, source.region) == (account, region)
            and not state.deaf
            and now - state.healthy_at < _HEALTHY_FOR
            for source, state in self._states.items()
        )

    def _run(self, source: Source, ended: threading.Event) -> None:
        url = source.url
        while not ended.is_set():
            state = self._states[source]
            try:
                url = url or self._client(source).get_queue_url(QueueName=source.name)["QueueUrl"]
                self.poll(source, url)
            except (ClientError, BotoCoreError, FlakyError, NotYetError, NotLeaderError) as error:
                self._failed(source, state, error)
                ended.wait(state.pause)
            except Exception:
                # A thread that ends would end all listening.
                logger.exception("reading events of the queue %s failed", source)
                ended.wait(_LATEST)

    def poll(self, source: Source, url: str) -> int:
        """Wait for messages, hand them over, and delete them; return how many there were. Errors: botocore's."""
        client, state = self._client(source), self._states[source]
        answer = client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_MOST,
            WaitTimeSeconds=_WAIT,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        messages = answer.get("Messages") or ()
        if self._own is None:
            self._own = principal(self._client(source, "sts").get_caller_identity()["Arn"])
        # https://sqs.<region>.amazonaws.com/<account>/<name>
        state.account, state.healthy_at, state.pause = url.split("/")[3], seconds(), _FIRST
        if state.trouble:
            logger.info("events come from the queue %s again", source)
            state.trouble = ""
        if messages:
            told, others = self._read([parse(message["Body"]) for message in messages])
            if self._deliver(lambda: _tell(told, utc_now())):
                self._settle(client, url, messages, others)
            # Otherwise the operator ends, and they come again, for whoever takes over.
        self._look_for_a_trail(source, state)
        return len(messages)

    def _look_for_a_trail(self, source: Source, state: _State) -> None:
        """Find out now and then whether a trail logs calls, and say so when that has changed."""
        if seconds() < state.trail_at:
            return
        deaf = why_no_calls(self._accounts.get(source.region), source.region)
        if deaf and deaf != state.deaf:
            logger.warning("%s, so AWS is looked at as often as without events (docs/events.md)", deaf)
        state.deaf, state.trail_at = deaf, seconds() + (_TRAIL_SOON if deaf else _TRAIL)

    @staticmethod
    def _settle(client: Any, url: str, messages: Sequence[Mapping[str, Any]], others: frozenset[int]) -> None:
        """Delete messages, but give back at once what is for another replica, which waits for it as we do."""
        rows = [{"Id": f"{number}", "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(messages)]
        passed_on = [
            {**rows[number], "VisibilityTimeout": 0}
            for number in sorted(others)
            if int(messages[number].get("Attributes", {}).get("ApproximateReceiveCount", _PASSES)) < _PASSES
        ]
        kept = {row["Id"] for row in passed_on}
        if passed_on:
            client.change_message_visibility_batch(QueueUrl=url, Entries=passed_on)
        if deleted := [row for row in rows if row["Id"] not in kept]:
            client.delete_message_batch(QueueUrl=url, Entries=deleted)

    def _read(self, notices: Sequence[Notice | None]) -> tuple[Sequence[_Told], frozenset[int]]:
        """Return what events say of which apps, and the positions of those about an app of another replica."""
        listeners = self._listeners()
        told: dict[Key, _Told] = {}
        others: set[int] = set()
        with self._lock:
            self._learn(listeners)
            # Whose calls may be the operator's own: its identity's, and those of the roles that it takes.
            own = {self._own, *self._roles.values()} - {""}
            for number, notice in enumerate(notices):
                if notice is None:
                    self._count("unread", 1)
                    continue
                if notice.agent and notice.principal in own:
                    self._count("own", 1)
                    continue
                found = self._index.match(notice)
                self._count("matched" if found else "other", 1)
                for key, touched in found.items():
                    listener = listeners[key]
                    if listener.ours:
                        told.setdefault(key, _Told(listener)).add(notice, touched)
                    else:
                        others.add(number)
        return tuple(told.values()), frozenset(others)

    def _learn(self, listeners: Mapping[Key, Listener]) -> None:
        """Bring the index up to what the apps know."""
        for gone in self._index.keys() - listeners.keys():
            self._index.drop(gone)
            self._roles.pop(gone, None)
        for key, listener in listeners.items():
            known = listener.known
            if not self._index.has(key, known) and (place := listener.place) is not None:
                self._index.put(key, place.account, place.region, known)
                self._roles[key] = principal(place.role)

    def _client(self, source: Source, service: str = "sqs") -> Any:
        return self._accounts.get(source.region).client(service)

    def _failed(self, source: Source, state: _State, error: Exception) -> None:
        if isinstance(error, NotLeaderError):
            # Another one listens.
            state.pause = _FIRST
            return
        code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
        if code in _MISSING:
            why = "does not exist. missyou events install makes it (docs/events.md)"
        else:
            why = f"cannot be read: {classify(error).message}"
        if why != state.trouble:
            logger.warning("the queue %s %s. Until then AWS is looked at as often as without events", source, why)
        state.trouble, state.pause = why, min(state.pause * 2, _LATEST)


def _tell(told: Sequence[_Told], now: datetime) -> None:
    """Tell each app. Belongs to the event loop."""
    for each in told:
        each.listener.hear(each.types, each.deeds, each.again_in(now))


@dataclass(slots=True)
class _Told:
    """What a batch of events says of one app."""

    listener: Listener
    types: set[str] = field(default_factory=set)
    deeds: list[Deed] = field(default_factory=list)
    latest: datetime | None = None

    def add(self, notice: Notice, touched: Touched) -> None:
        self.types |= touched.types
        if notice.by:
            self.deeds.append(Deed.of(notice, touched))
        self.latest = max(self.latest, notice.at) if self.latest else notice.at

    def again_in(self, now: datetime) -> float | None:
        """Return the seconds until AWS must show what has happened, None if it must by now."""
        left = LAG - (now - self.latest).total_seconds() if self.latest else 0.0
        return min(left, LAG) if left > 0 else None

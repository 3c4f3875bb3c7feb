"""Whether this operator lives and is ready, for the kubelet and for rolling upgrades."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Set

from botocore.exceptions import BotoCoreError, ClientError
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_operator.aws.calls import OK, Call
from missyou_operator.aws.clock import seconds
from missyou_operator.controller.probes import Answer
from missyou_operator.controller.shards import Alone, NotLeaderError, Shards

#: Seconds after which an event loop that does not turn is stuck.
_STUCK = 30.0
#: Seconds between two checks of what is not ready yet.
_AGAIN = 2.0


class Readiness:
    """The answers to `/healthz` and `/readyz`.

    `shards` knows which shards this operator works on; `apps` lists the UIDs of all apps that it serves; `identify`
    makes a call with its own credentials. The two may raise what their libraries raise.
    """

    def __init__(self, shards: Shards | Alone, apps: Callable[[], Set[str]], identify: Callable[[], object]) -> None:
        self._shards, self._apps, self._identify = shards, apps, identify
        self._beat = float("inf")
        self._forget()
        self._untrusted = "AWS has not been asked yet"

    def begin(self) -> None:
        """Watch the event loop that this is called in, and check until everything is ready."""
        self._pulse = asyncio.create_task(self._beating())
        threading.Thread(target=self._settle, name="readiness", daemon=True).start()

    def end(self) -> None:
        """Watch the event loop no longer: it has ended, or another one is begun later."""
        self._pulse.cancel()
        self._beat = float("inf")
        self._forget()

    def seen(self, uid: str) -> None:
        """Remember that the watch has shown an app."""
        if self._unlisted:
            self._seen.add(uid)

    def call(self, call: Call) -> None:
        """Learn whether AWS accepts the credentials: only success and their refusal say something about them."""
        if call.own and call.credentials_rejected:
            self._untrusted = f"AWS does not accept the credentials: {call.code}"
        elif call.own and call.code == OK:
            self._untrusted = ""

    def healthy(self) -> Answer:
        """Return whether the event loop turns (or has not begun to: this operator waits for its CRD)."""
        return (200, "ok\n") if self._beat > seconds() - _STUCK else (503, "the event loop is stuck\n")

    def ready(self) -> Answer:
        """Return whether it works, or stands by for those that do."""
        mine = sorted(filter(self._shards.leads, range(self._shards.shards)))
        if not mine:
            return 200, "standing by\n"
        if why := self._not_beating() or self._unlisted or self._untrusted:
            return 503, f"{why}\n"
        which = f" on {', '.join(map(str, mine))} of {self._shards.shards} shards" if self._shards.shards > 1 else ""
        return 200, f"working{which}\n"

    def _forget(self) -> None:
        self._seen: set[str] = set()
        self._unlisted = "apps are not listed yet"

    def _not_beating(self) -> str:
        if self._beat == float("inf"):
            return "the event loop has not begun"
        return "" if self._beat > seconds() - _STUCK else "the event loop is stuck"

    async def _beating(self) -> None:
        while True:
            self._beat = seconds()
            await asyncio.sleep(1.0)

    def _settle(self) -> None:
        """Check until the watch has shown every app, and AWS has accepted the credentials once."""
        pause, answered = threading.Event(), False
        while self._unlisted or not answered:
            if self._unlisted:
                self._unlisted = self._still_unseen()
            answered = answered or self._aws_answers()
            pause.wait(_AGAIN if self._unlisted or not answered else 0.0)

    def _still_unseen(self) -> str:
        try:
            unseen = self._apps() - self._seen
        except (ApiException, HTTPError, OSError) as error:
            return f"apps cannot be listed ({type(error).__name__})"
        return f"the watch has not shown {len(unseen)} apps yet" if unseen else ""

    def _aws_answers(self) -> bool:
        try:
            self._identify()
        except (ClientError, NotLeaderError):
            # What AWS answered, `call` has heard. Who has no shard does not ask.
            return False
        except BotoCoreError as error:
            self._untrusted = f"AWS cannot be asked ({type(error).__name__})"
            return False
        return True

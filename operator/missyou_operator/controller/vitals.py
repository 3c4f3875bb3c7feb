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

#: Seconds after which an event loop that does not turn is stuck.
_STUCK = 30.0
#: Seconds between two looks at what is not ready yet.
_AGAIN = 2.0


class Readiness:
    """The answers to `/healthz` and `/readyz`.

    `leads` tells whether this operator works; `apps` lists the UIDs of all apps that it serves; `look_at_aws` makes a
    call with its own credentials. The two may raise what their libraries raise.
    """

    def __init__(
        self, leads: Callable[[], bool], apps: Callable[[], Set[str]], look_at_aws: Callable[[], object]
    ) -> None:
        self._leads, self._apps, self._look_at_aws = leads, apps, look_at_aws
        self._beat = float("inf")
        self._seen: set[str] = set()
        self._unlisted = "apps are not listed yet"
        self._untrusted = "AWS has not been asked yet"

    def begin(self) -> None:
        """Watch the event loop that this is called in, and look until all is ready."""
        self._pulse = asyncio.create_task(self._beating())
        threading.Thread(target=self._settle, name="readiness", daemon=True).start()

    def end(self) -> None:
        """Watch the event loop no longer."""
        self._pulse.cancel()

    def seen(self, uid: str) -> None:
        """Take note that the watch has shown an app."""
        if self._unlisted:
            self._seen.add(uid)

    def call(self, call: Call) -> None:
        """Take note of what AWS thinks of the credentials: only success and their refusal say something about them."""
        if call.own and call.distrusted:
            self._untrusted = f"AWS does not accept the credentials: {call.code}"
        elif call.own and call.code == OK:
            self._untrusted = ""

    def healthy(self) -> Answer:
        """Say whether the event loop turns (or has not begun to: this operator waits for the lease)."""
        return (200, "ok\n") if self._beat > seconds() - _STUCK else (503, "the event loop is stuck\n")

    def ready(self) -> Answer:
        """Say whether it works, or stands by for the one that does."""
        if not self._leads():
            return 200, "standing by\n"
        why = self._not_beating() or self._unlisted or self._untrusted
        return (503, f"{why}\n") if why else (200, "working\n")

    def _not_beating(self) -> str:
        if self._beat == float("inf"):
            return "the event loop has not begun"
        return "" if self._beat > seconds() - _STUCK else "the event loop is stuck"

    async def _beating(self) -> None:
        while True:
            self._beat = seconds()
            await asyncio.sleep(1.0)

    def _settle(self) -> None:
        """Look until the watch has shown every app that there is, and AWS has accepted the credentials once."""
        requeue_after, asked = threading.Event(), False
        while self._unlisted or not asked:
            if self._unlisted:
                self._unlisted = self._still_unseen()
            asked = asked or self._asked()
            requeue_after.wait(_AGAIN if self._unlisted or not asked else 0.0)

    def _still_unseen(self) -> str:
        try:
            unseen = self._apps() - self._seen
        except (ApiException, HTTPError, OSError) as error:
            return f"apps cannot be listed ({type(error).__name__})"
        return f"the watch has not shown {len(unseen)} apps yet" if unseen else ""

    def _asked(self) -> bool:
        try:
            self._look_at_aws()
        except ClientError:
            # What AWS answered, `call` has heard.
            return False
        except BotoCoreError as error:
            self._untrusted = f"AWS cannot be asked ({type(error).__name__})"
            return False
        return True

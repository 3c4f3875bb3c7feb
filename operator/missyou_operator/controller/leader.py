"""Leadership by a Lease: of several operators one works, and it stops before its next call when it loses the lease."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_operator.controller.lease import Candidate, Record

logger = logging.getLogger(__name__)


class NotLeaderError(Exception):
    """The lease is lost: nothing may be sent any more."""


class Leases(Protocol):
    """Where the Lease is kept. Errors: ApiException (409: somebody was quicker), HTTPError."""

    def read_lease(self) -> Record:
        """Return the record, an empty one where there is no Lease."""

    def write_lease(self, holder: str, seen: Record, duration: int, now: datetime) -> Record:
        """Put a holder in place of the record that was seen."""


class Leader:
    """A candidate for the lease, and its holder once `acquire` returns."""

    def __init__(
        self,
        leases: Leases,
        candidate: Candidate,
        clock: Callable[[], float] = time.monotonic,
        end: Callable[[int], Any] = os._exit,
    ) -> None:
        self._leases, self._candidate, self._clock, self._end = leases, candidate, clock, end
        self._resigned = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="lease", daemon=True)

    @property
    def leads(self) -> bool:
        """Whether the lease is ours."""
        return self._candidate.may_act(self._clock())

    def acquire(self) -> None:
        """Wait until the lease is ours, then keep it from a thread."""
        logger.info("%s waits for the lease", self._candidate.identity)
        while not self._try():
            time.sleep(self._candidate.terms.retry)
        logger.info("%s leads", self._candidate.identity)
        self._keeper.start()

    def check(self, **_: Any) -> None:
        """Refuse to go on without the lease: for each request that is about to be sent. Raises NotLeaderError."""
        if not self.leads:
            raise NotLeaderError("the lease is lost: another operator may be at work")

    def resign(self) -> None:
        """Refuse all further calls. The lease is kept from others for the calls that are under way."""
        self._resigned.set()
        # Or a renewal that is under way would make us act again.
        self._keeper.join()
        self._candidate = self._candidate.resigned()

    def release(self) -> None:
        """Return the lease back once nothing is under way any more, so that the next one need not wait for its end."""
        candidate = self._candidate
        if candidate.seen is None or candidate.seen.holder != candidate.identity:
            return
        try:
            self._leases.write_lease("", candidate.seen, int(candidate.terms.duration), datetime.now(UTC))
        except (ApiException, HTTPError, OSError) as error:
            logger.warning("the lease could not be given back (%s): it runs out", _words(error))

    def _keep(self) -> None:
        try:
            while not self._resigned.wait(self._candidate.terms.retry):
                self._try()
                if not self.leads:
                    break
        except Exception:
            logger.exception("the lease cannot be kept")
        if not self._resigned.is_set():
            # A crash costs nothing, which the crash tests show: no call that is under way is waited for.
            logger.critical("%s has lost the lease and ends", self._candidate.identity)
            self._end(1)

    def _try(self) -> bool:
        """Read, and write our name where we may. Returns whether the lease is ours now."""
        try:
            self._candidate = self._candidate.observe(self._leases.read_lease(), self._clock())
            began, seen = self._clock(), self._candidate.seen
            if seen is None or not self._candidate.may_write(began):
                return False
            duration = int(self._candidate.terms.duration)
            record = self._leases.write_lease(self._candidate.identity, seen, duration, datetime.now(UTC))
        except (ApiException, HTTPError, OSError) as error:
            logger.warning("the lease could not be read or written: %s", _words(error))
            return False
        self._candidate = self._candidate.wrote(record, began)
        return True


def _words(error: Exception) -> str:
    if isinstance(error, ApiException):
        return "somebody was quicker" if error.status == 409 else f"{error.status} {error.reason}"
    return type(error).__name__

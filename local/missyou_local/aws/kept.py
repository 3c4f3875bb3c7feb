"""Answers to reads, kept while nothing changes: for benchmarks, which list a thousand settled stacks in a loop.

Off by default. With `{"keep": 60}` at the control endpoint, a read is answered as the same read was before, byte for
byte, once nobody has changed anything for 60 s on the clock: by then whatever takes time has settled, if the timing is
instant. Every call that may change something ends that, in all services, since they act upon each other: but for a few
that nothing in other services depends on.
"""

from __future__ import annotations

from collections.abc import Callable

from missyou_local.aws.ledger import mutates
from missyou_local.aws.wire import Request, Response

#: Seconds on the clock after which even what nobody has changed is worked out again: AWS does some things by the day.
_LONGEST = 600.0
#: Changes of which only their own service knows.
_OWN = frozenset({"logs:PutRetentionPolicy"})
_Key = tuple[str, str, str, str, bytes, str]


class Kept:
    """The answers of one test AWS. Use it with `backends.LOCK` held."""

    def __init__(self) -> None:
        #: Seconds without a change after which answers are kept; 0: never.
        self.after = 0.0
        #: When something was last changed, by service; "" for what may act upon all.
        self._changed: dict[str, float] = {}
        self._answers: dict[_Key, tuple[float, Response]] = {}

    def clear(self) -> None:
        """Forget all answers."""
        self._answers.clear()

    def answer(self, request: Request, account: str, now: float, work_out: Callable[[], Response]) -> Response:
        """Return the answer to the same request before, or the one that is worked out now."""
        if not self.after:
            return work_out()
        if mutates(request.name):
            service = request.service if request.name in _OWN else ""
            self._changed[service] = now
            self._answers = {key: each for key, each in self._answers.items() if service and key[0] != service}
            return work_out()
        key = _key(request, account)
        at, kept = self._answers.get(key, (float("-inf"), None))
        if kept is not None and now - at < _LONGEST:
            return kept
        answer = work_out()
        changed = max(self._changed.get(each, 0.0) for each in ("", request.service))
        if request.service != "sts" and answer.status < 300 and now - changed >= self.after:
            self._answers[key] = now, answer
        return answer


def _key(request: Request, account: str) -> _Key:
    environ = request.environ
    path = f"{environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')}"
    return request.service, request.operation, account, request.region, request.body, path

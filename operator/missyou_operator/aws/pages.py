"""Large answers that AWS gives again and again: what has not changed is neither parsed nor kept a second time.

Parsing is most of what reading a page of a list costs, and nearly all pages are as they were in the look before.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from missyou_operator.aws.clock import seconds

#: Bytes of the smallest answer that is remembered, and seconds for which it is, from the last time that it was given.
_LARGE, _KEPT = 4096, 600.0
#: Seconds between two searches for what to forget.
_SWEEP = 60.0
#: What differs in two answers that say the same. Sources: EC2 API reference, "Making requests"; the Query API's others.
_REQUEST_ID = re.compile(rb"<[rR]equestId>[^<]*</[rR]equestId>")

#: Answers whose parts botocore itself changes: it decodes the policies (`botocore.handlers.json_decode_policies`).
_CHANGED = frozenset({"GetAccountAuthorizationDetailsResponse"})
_META = "ResponseMetadata"


@dataclass(slots=True)
class _Page:
    answer: dict[str, Any]
    used: float


class Pages:
    """Answers by their content. Thread-safe."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, bytes], _Page] = {}
        self._lock = threading.Lock()
        self._swept = seconds()

    def get(self, name: str, response: Mapping[str, Any], parse: Callable[[], Any]) -> Any:
        """Return the answer `name`: what an equal one was parsed to, or what `parse` returns.

        `response` has `body` (bytes), `headers` and `status_code`. Who changes the answer must not change its parts.
        """
        body = response["body"]
        if response["status_code"] != 200 or name in _CHANGED or not isinstance(body, bytes) or len(body) < _LARGE:
            return parse()
        now, key = seconds(), (name, hashlib.blake2b(_REQUEST_ID.sub(b"", body), digest_size=16).digest())
        with self._lock:
            if now - self._swept >= _SWEEP:
                self._swept = now
                self._pages = {each: page for each, page in self._pages.items() if now - page.used < _KEPT}
            page = self._pages.get(key)
        if page is None:
            answer = parse()
            page = _Page(copy(answer), now)
            page.answer.pop(_META, None)
            with self._lock:
                self._pages[key] = page
            return answer
        page.used = now
        again = copy(page.answer)
        again[_META] = {"HTTPStatusCode": 200, "HTTPHeaders": dict(response["headers"])}
        return again

"""The pages of a long list, which AWS gives again and again: what has not changed is not parsed a second time.

Parsing is most of what reading a list costs, and nearly all pages are as they were in the look before. What is kept of
a page is whose rows are in it, packed: parsed, the rows of a thousand stacks would take hundreds of megabytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from typing import Any

#: Bytes of the smallest page that is remembered.
_LARGE = 4096
#: What differs in two answers that say the same. Sources: EC2 API reference, "Making requests"; the Query API's others.
_REQUEST_ID = re.compile(rb"<[rR]equestId>[^<]*</[rR]equestId>")


@dataclass(frozen=True, slots=True)
class Page:
    """A page without its rows, which stands for them among the rows of a list. `split`: what they were turned into."""

    rest: Any
    split: Any

    def __contains__(self, key: object) -> bool:
        """Return that there is no such key: botocore looks into each row of IAM's for a policy to decode."""
        return False


class Pages:
    """The pages of one reading of a list. `before`: those of the reading before, by their content.

    `result`: the key of the rows in an answer. `split` turns the rows of a page into what is kept of them.
    """

    def __init__(self, before: Mapping[bytes, Page], result: str, split: Callable[[list[Any]], Any]) -> None:
        self._before, self._result, self._split = before, result, split
        self.seen: dict[bytes, Page] = {}

    def answer(self, response: Mapping[str, Any], parse: Callable[[], Any]) -> Any:
        """Return an answer, in which a large page has a `Page` instead of its rows.

        `response` has `body` (bytes), `headers` and `status_code`.
        """
        body = response["body"]
        if response["status_code"] != 200 or not isinstance(body, bytes) or len(body) < _LARGE:
            return parse()
        key = hashlib.blake2b(_REQUEST_ID.sub(b"", body), digest_size=16).digest()
        page = self._before.get(key)
        if page is None:
            rest = copy(parse())
            page = Page(rest, self._split(rest.pop(self._result, None) or []))
        self.seen[key] = page
        answer = copy(page.rest)
        answer[self._result] = [page]
        answer["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": dict(response["headers"])}
        return answer


_PRESENT: ContextVar[Pages | None] = ContextVar("pages", default=None)


@contextmanager
def remembering(pages: Pages) -> Iterator[None]:
    """Have the answers that are read meanwhile, on this thread, go through `pages`."""
    token = _PRESENT.set(pages)
    try:
        yield
    finally:
        _PRESENT.reset(token)


def remembered(response: Mapping[str, Any], parse: Callable[[], Any]) -> Any:
    """Return an answer, parsed unless it is remembered."""
    pages = _PRESENT.get()
    return parse() if pages is None else pages.answer(response, parse)

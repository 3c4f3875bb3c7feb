"""Answers of AWS in which a member that code relies on may be missing: that is AWS's omission, and no bug of ours.

botocore's models require hardly any member of an answer, and real ones lack them: an instance that is being created has
no endpoint, a repeated request gets a shorter answer. `row["Member"]` is for members without which nothing can be done:
the call is made again. Whatever can be done without is read with `get`.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from botocore.parsers import ResponseParserFactory

from missyou_operator.aws.pages import remembered
from missyou_operator.engine.errors import FlakyError, UnansweredError

#: Answers of at least so many bytes are parsed one after the other, since Python runs one thread at a time anyway:
#: together they would take several times the memory, megabytes each, which a process hardly gives back.
_LARGE, _PARSING = 65_536, threading.Lock()
#: Names of the answers of operations that only read.
_READING = re.compile(r"(Batch)?(Describe|List|Get|Simulate)|\w+GroupDetails$|\w+(?<!Name)Message$")


class Answer(dict[str, Any]):
    """A part of an answer. It has no dictionary of its own: there are many of them."""

    __slots__ = ("_origin",)

    @property
    def origin(self) -> str:
        """AWS's name of the whole answer, "" where that is not known."""
        return getattr(self, "_origin", "")

    @origin.setter
    def origin(self, name: str) -> None:
        self._origin = name

    def __missing__(self, key: str) -> Any:
        """Raise the error for a member that is missing: FlakyError of a read, UnansweredError of a change."""
        text = f"an answer of AWS ({self.origin}) lacks {key}"
        if _READING.match(self.origin):
            raise FlakyError("IncompleteAnswer", f"{text}; the operator asks again")
        raise UnansweredError(f"{text}; the operator looks for what has become of the request")


def joined(row: Mapping[str, Any], **members: Any) -> Answer:
    """Return a part of an answer with members of another answer."""
    return _answer({**row, **members}, getattr(row, "origin", ""))


class Parsers(ResponseParserFactory):  # type: ignore[misc]  # botocore has no types
    """botocore's parsers, but that what they return is an `Answer`, and so are its parts.

    botocore creates one for each request. They keep nothing of an answer, so that one of each protocol is enough.
    """

    def __init__(self) -> None:
        super().__init__()
        self.create_parser = functools.cache(self._created)

    def _created(self, protocol_name: str) -> Any:
        parser = super().create_parser(protocol_name)
        parse = parser.parse

        def answer(response: Any, shape: Any) -> Any:
            name, body = shape.name if shape else "", response["body"]
            with _PARSING if isinstance(body, bytes) and len(body) >= _LARGE else nullcontext():
                return remembered(response, lambda: _parts(parse(response, shape), name))

        parser.parse = answer
        return parser


def _parts(value: Any, origin: str) -> Any:
    if isinstance(value, dict):
        return _answer({key: _parts(part, origin) for key, part in value.items()}, origin)
    if isinstance(value, list):
        return [_parts(part, origin) for part in value]
    return value


def _answer(members: dict[str, Any], origin: str) -> Answer:
    answer = Answer(members)
    answer.origin = origin
    return answer

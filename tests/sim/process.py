"""The operator's process as AWS sees it: its changing calls, between any two of which it may end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from botocore.awsrequest import AWSResponse

#: What answers a request that botocore is about to send.
Door = Callable[[Any], AWSResponse]
When = Literal["before", "after"]
_READS = ("Describe", "List", "Get", "BatchGet", "AssumeRole")


class Killed(BaseException):
    """Ends a pass as the end of the process does: no handler of the operator's sees it."""


@dataclass(slots=True)
class Process:
    """Carries the operator's requests to AWS, through a door. `calls` are the changing ones so far, each attempt one.

    `moment` hears of each before AWS has it and after AWS has carried it out. Raising Killed there is the end: what
    else the pass was about to do is not done, and the answer is not seen.
    """

    door: Door
    moment: Callable[[When, str], None] = lambda _when, _call: None
    calls: list[str] = field(default_factory=list)

    def __call__(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        """Answer botocore's `before-send`."""
        _, service, operation = event_name.split(".")
        if operation.startswith(_READS):
            return self.door(request)
        call = f"{service}:{operation}"
        self.calls.append(call)
        self.moment("before", call)
        answer = self.door(request)
        self.moment("after", call)
        return answer

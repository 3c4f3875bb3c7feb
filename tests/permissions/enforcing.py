"""moto's own check of signatures and actions, before the test AWS has a request.

`POST /moto-api/reset-auth` would have moto check deep inside, where our layer has rewritten requests, so that their
signatures are no longer right, and not at all where our layer answers by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.iam.access_control import IAMRequest
from werkzeug.exceptions import HTTPException

from missyou_local.aws import backends, wire
from missyou_local.aws.errors import AwsError
from missyou_local.aws.inprocess import Door

Answer = Callable[[dict[str, Any]], wire.Response]


class Enforcing(Door):
    """Lets through what the caller may do; resources and conditions are not checked."""

    def __init__(self, answer: Answer, action_of: Callable[[str, str], str]) -> None:
        super().__init__(self._if_allowed)
        self._answer_all, self._action_of = answer, action_of
        self.denied: list[str] = []

    def _if_allowed(self, environ: dict[str, Any]) -> wire.Response:
        request = wire.identify(environ)
        action = self._action_of(request.service, request.operation)
        try:
            self._check(request, action)
        except HTTPException as error:
            self.denied.append(action)
            return wire.encode_error(request, AwsError("AccessDenied", str(error), 403))
        return self._answer_all(environ)

    def _check(self, request: wire.Request, action: str) -> None:
        environ = request.environ
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        asked = IAMRequest(
            account_id=backends.account_of(request.access_key),
            method=environ["REQUEST_METHOD"],
            path=f"http://{environ['HTTP_HOST']}{environ['PATH_INFO']}{query}",
            data={},
            body=request.body,
            headers=_headers(environ),
            action=action.partition(":")[2],
        )
        asked.check_signature()
        # By the name that policies know the service by, which its requests are not always signed for.
        asked._action = action  # noqa: SLF001 - moto's, which takes it from where it has no other door
        asked.check_action_permitted("*")


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    named = {key.removeprefix("HTTP_"): value for key, value in environ.items() if key.startswith("HTTP_")}
    named |= {key: environ[key] for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(key)}
    return {key.replace("_", "-").title(): str(value) for key, value in named.items()}

"""Caches for what moto computes again at each call or reset: a third of the time of a call."""

from __future__ import annotations

import copy
import functools
import importlib
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication


class Moto(DomainDispatcherApplication):
    """moto's own application, which lists its folders at each request to find the service of a host; here, once."""

    @functools.cache  # noqa: B019 - as many hosts as services and regions, and it lives as long as the process
    def get_backend_for_host(self, host: str | None) -> Any:
        """Return moto's name of the backend that answers for a host."""
        return super().get_backend_for_host(host)


@functools.cache
def take() -> None:
    """Cache which methods moto's classes have, and AWS's 1,300 managed IAM policies."""
    responses: Any = importlib.import_module("moto.core.responses")
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    backend: Any = importlib.import_module("moto.iam.models").IAMBackend
    made = backend._init_aws_policies
    known: dict[tuple[str, str], list[Any]] = {}

    def policies(self: Any) -> list[Any]:
        key = (self.account_id, self.region_name)
        if key not in known:
            known[key] = made(self)
        # Copies: an attachment is counted in them.
        return [copy.copy(policy) for policy in known[key]]

    backend._init_aws_policies = policies

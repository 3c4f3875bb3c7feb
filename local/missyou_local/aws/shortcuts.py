"""What moto works out anew at each call or reset, and need not: a third of the time of a call."""

from __future__ import annotations

import copy
import functools
import importlib
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication


class Moto(DomainDispatcherApplication):
    """moto's own application, which lists its folders at each request to find out whom a host belongs to."""

    @functools.cache  # noqa: B019 - as many hosts as services and regions, and it lives as long as the process
    def get_backend_for_host(self, host: str | None) -> Any:
        """Return moto's name of the backend that answers for a host."""
        return super().get_backend_for_host(host)


@functools.cache
def take() -> None:
    """Have moto remember which methods a class has, and AWS's own IAM policies, of which there are 1,300."""
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

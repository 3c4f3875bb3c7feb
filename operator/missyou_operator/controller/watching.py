"""Keeps what is known of tenants and namespaces as the API server has it: a list at the start, then watches.

Not by kopf: a kind that is installed while the operator runs has to be noticed, and a right that is missing must not
end the watch of the apps.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_operator.controller.kube import Kube, explanation
from missyou_operator.controller.tenants import Key, Tenants

logger = logging.getLogger(__name__)

#: Seconds until the list is read again where a watch has failed, or where the kind is not known.
_AGAIN = 2.0
#: Logged at the start, and when the last tenant goes.
_OPEN = (
    "there is no MissYouTenant: whoever may create a MissYouApp, in whatever namespace, has the operator's whole AWS "
    "identity at their disposal (docs/tenancy.md)"
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind: how it is listed and watched, and who takes over what that shows."""

    name: str
    listed: Callable[[], tuple[Sequence[Mapping[str, Any]], str]]
    events: Callable[[str], Iterable[tuple[str, Mapping[str, Any]]]]
    set_all: Callable[[Iterable[Mapping[str, Any]]], list[Key]]
    set_one: Callable[[Mapping[str, Any], bool], list[Key]]


class Watching:
    """Follows tenants and namespaces. `woken` hears of the apps whose grant has changed; it may be any thread's."""

    def __init__(self, kube: Kube, tenants: Tenants, woken: Callable[[Sequence[Key]], None]) -> None:
        self._kube, self._tenants, self._woken = kube, tenants, woken
        self._judged = True
        self._kinds = (
            _Kind("namespaces", kube.namespaces, kube.namespace_events, tenants.set_namespaces, tenants.namespace_seen),
            _Kind("missyoutenants", kube.tenants, kube.tenant_events, tenants.set_tenants, tenants.tenant_seen),
        )

    def begin(self, namespaces: Sequence[str]) -> None:
        """Read everything once, the apps of `namespaces` (of all, where none is named) included; then watch in threads.

        No pass may run before: without tenants everything is granted. Errors: ApiException, HTTPError.
        """
        versions = [self._list(kind) for kind in self._kinds]
        if self._tenants.judges:
            for body in self._kube.app_bodies(namespaces):
                self._tenants.app_seen(body)
        for kind, version in zip(self._kinds, versions, strict=True):
            threading.Thread(target=self._follow, args=(kind, version), name=kind.name, daemon=True).start()

    def _list(self, kind: _Kind) -> str:
        bodies, version = kind.listed()
        self._changed(kind.set_all(bodies))
        return version

    def _changed(self, keys: Sequence[Key]) -> None:
        judges = self._tenants.judges
        if self._judged and not judges and self._tenants.complete:
            logger.warning(_OPEN)
        if self._tenants.complete:
            self._judged = judges
        if keys:
            self._woken(keys)

    def _follow(self, kind: _Kind, version: str) -> None:
        pause, said = threading.Event(), ""
        while True:
            try:
                version = self._watch(kind, version or self._list(kind))
                said = ""
            except (ApiException, HTTPError, OSError, ValueError) as error:
                why = explanation(error) if isinstance(error, ApiException) else type(error).__name__
                if why != said and not (isinstance(error, ApiException) and error.status == 410):
                    logger.warning("%s cannot be watched, what is known of them still counts: %s", kind.name, why)
                version, said = "", why
            if not version:
                pause.wait(_AGAIN)

    def _watch(self, kind: _Kind, version: str) -> str:
        """Take over changes until the watch ends; return the version that it has come to, "" where none is known."""
        if not version:
            return ""
        for type_, body in kind.events(version):
            version = body["metadata"]["resourceVersion"]
            self._changed(kind.set_one(body, type_ != "DELETED"))
        return version

"""A client for MissYouApps that returns refusals as text, so that a test can read them."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from missyou_operator.api import GROUP, PLURAL, VERSION
from missyou_operator.api.crd import crd

Body = dict[str, Any]


class Apps:
    """The MissYouApps of one namespace; those of another `group` follow a copy of the CRD."""

    def __init__(self, api: client.ApiClient, namespace: str = "default", group: str = GROUP) -> None:
        self._api = client.CustomObjectsApi(api)
        self._crds = client.ApiextensionsV1Api(api)
        self.namespace = namespace
        self._group = group
        self._where = (group, VERSION, namespace, PLURAL)

    def install(self, change: Callable[[Body], None] | None = None) -> None:
        """Create or replace the CRD, with `change` made to its schema, and wait until it is served."""
        body = copy.deepcopy(crd())
        body["metadata"]["name"] = name = f"{PLURAL}.{self._group}"
        body["spec"]["group"] = self._group
        if self._group != GROUP:
            # Short names and categories belong to the real one.
            body["spec"]["names"].update(shortNames=[], categories=[])
        if change:
            change(body["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
        try:
            self._crds.create_custom_resource_definition(body)
        except ApiException as error:
            if error.status != 409:
                raise
            self._crds.patch_custom_resource_definition(name, {"spec": body["spec"]})
        until(self._answers, "the CRD is served")

    def create(self, body: Body) -> None:
        self._api.create_namespaced_custom_object(*self._where, body | {"apiVersion": f"{self._group}/{VERSION}"})

    def refusal(self, body: Body) -> str | None:
        """Return why the API server would refuse to create this, or None."""
        return _refusal(
            lambda: self._api.create_namespaced_custom_object(
                *self._where,
                body | {"apiVersion": f"{self._group}/{VERSION}"},
                dry_run="All",
                field_validation="Strict",
            )
        )

    def patch(self, name: str, patch: Body, part: str = "") -> str | None:
        """Send a merge patch, of the status with `part="status"`. Returns why it is refused, or None."""
        method = f"patch_namespaced_custom_object{'_' if part else ''}{part}"
        return _refusal(
            lambda: getattr(self._api, method)(
                *self._where, name, patch, field_validation="Strict", _content_type="application/merge-patch+json"
            )
        )

    def get(self, name: str) -> Body:
        found: Body = self._api.get_namespaced_custom_object(*self._where, name)
        return found

    def find(self, name: str) -> Body | None:
        return next((app for app in self._list() if app["metadata"]["name"] == name), None)

    def delete(self, name: str) -> None:
        self._api.delete_namespaced_custom_object(*self._where, name)

    def delete_all(self) -> None:
        self._api.delete_collection_namespaced_custom_object(*self._where)

    def _list(self) -> list[Body]:
        found: list[Body] = self._api.list_namespaced_custom_object(*self._where)["items"]
        return found

    def _answers(self) -> bool:
        try:
            self._list()
        except ApiException as error:
            if error.status != 404:
                raise
            return False
        return True


def until(holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Ask again and again until it holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def _refusal(call: Callable[[], object]) -> str | None:
    try:
        call()
    except ApiException as error:
        if error.status not in (400, 422):
            raise
        return str(json.loads(error.body)["message"])
    return None

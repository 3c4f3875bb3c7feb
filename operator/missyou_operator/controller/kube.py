"""The few requests that the operator itself makes to Kubernetes; the watching is kopf's."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from missyou_operator.api import GROUP, PLURAL, VERSION

#: Seconds for connecting and for an answer.
_TIMEOUT = (5, 15)


class Kube:
    """Thread-safe: the client keeps a pool of connections."""

    def __init__(self) -> None:
        try:
            config.load_incluster_config()  # type: ignore[no-untyped-call]
        except config.ConfigException:
            config.load_kube_config()  # type: ignore[no-untyped-call]
        self._api = client.ApiClient()
        self._custom = client.CustomObjectsApi(self._api)
        self._core = client.CoreV1Api(self._api)

    def cluster_uid(self) -> str:
        """Give the UID of the kube-system namespace: it tells clusters apart that share an AWS account."""
        metadata = self._core.read_namespace("kube-system", _request_timeout=_TIMEOUT).metadata
        assert metadata is not None and metadata.uid, "every stored object has metadata with a UID"  # noqa: S101, PT018
        return metadata.uid

    def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Give the data of a Secret, decoded, or None where there is none. Values that are not UTF-8 are left out."""
        try:
            secret = self._core.read_namespaced_secret(name, namespace, _request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        return {key: text for key, raw in (secret.data or {}).items() if (text := _text(raw)) is not None}

    def crd_exists(self) -> bool:
        """Tell whether the API server serves MissYouApps."""
        try:
            self._custom.list_cluster_custom_object(GROUP, VERSION, PLURAL, limit=1, _request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status == 404:
                return False
            raise
        return True

    def patch_status(self, namespace: str, name: str, patch: Mapping[str, Any]) -> bool:
        """Merge a patch into the status. False when the object is gone."""
        try:
            self._custom.patch_namespaced_custom_object_status(
                GROUP,
                VERSION,
                namespace,
                PLURAL,
                name,
                {"status": patch},
                field_manager="missyou-operator",
                _request_timeout=_TIMEOUT,
            )
        except ApiException as error:
            if error.status == 404:
                return False
            raise
        return True


def _text(raw: str | bytes) -> str | None:
    try:
        return base64.b64decode(raw).decode()
    except UnicodeDecodeError:
        return None

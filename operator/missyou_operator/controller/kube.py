"""The few requests that the operator itself makes to Kubernetes; the watching is kopf's."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.watch.watch import iter_resp_lines
from urllib3.exceptions import HTTPError

from missyou_operator.api import GROUP, PLURAL, VERSION
from missyou_operator.api.kind import TENANT_PLURAL
from missyou_operator.controller.lease import Record
from missyou_operator.engine.errors import FlakyError
from missyou_operator.stack.secrets import NotOpaqueError

#: Seconds for connecting and for an answer.
_TIMEOUT = (5, 15)
#: Apps in a page of a list: as values of Python, one with the status of a production stack takes 45 kB.
_PAGE = 100
#: Asks the API server for the metadata of each object alone. Source: Kubernetes API concepts, "Metadata-only fetches".
_METADATA = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
#: Seconds that one watch of tenants or namespaces lasts. A dead connection is noticed ten seconds later.
_WATCH = 30
#: The same for the leases, whose renewal must not hang.
_SOON = (2, 2)
#: How the API server words a refusal, in JSON, whoever authorizes.
_REFUSED = re.compile(r'User \\"(?P<user>[^"]+)\\" cannot')
#: What gives the operator its permissions in the cluster.
RIGHTS = "apply manifests/base/rbac.yaml (clusterrole and clusterrolebinding missyou-operator)"
_MANAGER = "missyou-operator"
#: The labels of a Lease: by which all of them are listed, and into how many shards its holder divides all apps.
_PART_OF, _SHARDS = "app.kubernetes.io/name", "missyou.app/shards"
#: A policy engine's explanation may be long, and an Event's message has 1,024 bytes.
_MOST = 600


class Kube:
    """Thread-safe: the client keeps a pool of connections."""

    def __init__(self, namespace: str = "") -> None:
        self._namespace = namespace
        try:
            config.load_incluster_config()  # type: ignore[no-untyped-call]
        except config.ConfigException:
            config.load_kube_config()  # type: ignore[no-untyped-call]
        self._api = client.ApiClient()
        self._custom = client.CustomObjectsApi(self._api)
        self._core = client.CoreV1Api(self._api)
        self._coordination = client.CoordinationV1Api(self._api)

    def cluster_uid(self) -> str:
        """Return the UID of the kube-system namespace: it tells clusters apart that share an AWS account."""
        metadata = self._core.read_namespace("kube-system", _request_timeout=_TIMEOUT).metadata
        assert metadata is not None and metadata.uid, "every stored object has metadata with a UID"  # noqa: S101, PT018
        return metadata.uid

    def list_leases(self) -> Mapping[str, Record]:
        """Return the records of the operator's Leases by name. Without a version to begin with, no list is stale."""
        found: Any = self._coordination.list_namespaced_lease(
            self._namespace, label_selector=f"{_PART_OF}={_MANAGER}", _request_timeout=_SOON
        )
        return {lease.metadata.name: _record(lease) for lease in found.items}

    def write_lease(self, name: str, holder: str, seen: Record, shards: int, duration: int) -> Record:
        """Put a holder in place of the record that was seen. Error: ApiException 409 where somebody was quicker."""
        meta = client.V1ObjectMeta(
            name=name,
            namespace=self._namespace,
            resource_version=seen.version or None,
            labels={_PART_OF: _MANAGER, _SHARDS: str(shards)},
        )
        now = datetime.now(UTC)
        spec = client.V1LeaseSpec(holder_identity=holder, lease_duration_seconds=duration, renew_time=now)
        body = client.V1Lease(metadata=meta, spec=spec)
        if seen.version:
            replace = self._coordination.replace_namespaced_lease
            return _record(replace(name, self._namespace, body, _request_timeout=_SOON))
        create = self._coordination.create_namespaced_lease
        return _record(create(self._namespace, body, _request_timeout=_SOON))

    def read_secret(self, namespace: str, name: str) -> Mapping[str, str | None] | None:
        """Return the data of a Secret, decoded, or None where there is none. A value that is not UTF-8 is None.

        Errors: PermissionError where the namespace has not opted in with it; its text is the user that was refused.
        NotOpaqueError for a Secret that is not of the type Opaque.
        """
        try:
            secret = self._core.read_namespaced_secret(name, namespace, _request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status == 404:
                return None
            if error.status == 403 and (refused := _REFUSED.search(error.body or "")):
                raise PermissionError(refused["user"]) from None
            raise
        if secret.type != "Opaque":
            raise NotOpaqueError(secret.type or "")
        return {key: _text(raw) for key, raw in (secret.data or {}).items()}

    def unserved(self, namespaces: Sequence[str]) -> str:
        """Return why MissYouApps cannot be listed, and what to do about it; "" where they can."""
        try:
            for read in self._reads(namespaces):
                read(limit=1, _request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status == 404:
                return "the API server serves no MissYouApps: apply crds/missyouapps.missyou.app.yaml first"
            if error.status in {401, 403}:
                refused = _REFUSED.search(error.body or "")
                who = refused["user"] if refused else "whose token is not accepted"
                return f"the operator ({who}) may not list MissYouApps: {RIGHTS}"
            return f"the API server does not list MissYouApps: {error.status} {error.reason}"
        except (HTTPError, OSError) as error:
            return f"cannot reach the API server ({type(error).__name__}): is it up, and does KUBECONFIG lead to it?"
        return ""

    def apps(self, namespaces: Sequence[str]) -> set[str]:
        """List the UIDs of all MissYouApps, or of those in some namespaces."""
        return {app["metadata"]["uid"] for app in self._app_pages(namespaces, _headers=_METADATA)}

    def tenants(self) -> tuple[Sequence[Mapping[str, Any]], str]:
        """List the MissYouTenants; return the version of the list, too, "" where the cluster does not know the kind."""
        try:
            page = self._tenants(_request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status == 404:
                return [], ""
            raise
        return page["items"], page["metadata"]["resourceVersion"]

    def tenant_events(self, version: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the changes of MissYouTenants after a version, for half a minute: ADDED, MODIFIED or DELETED, and what.

        Errors: ApiException (410: the version is too old), HTTPError.
        """
        return _events(self._tenants, version)

    def namespaces(self) -> tuple[Sequence[Mapping[str, Any]], str]:
        """List all namespaces; return the version of the list, too."""
        page: Any = self._core.list_namespace(_request_timeout=_TIMEOUT)
        rows = [{"metadata": {"name": row.metadata.name, "labels": row.metadata.labels or {}}} for row in page.items]
        return rows, page.metadata.resource_version

    def namespace_events(self, version: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the changes of namespaces, as `tenant_events`."""
        return _events(self._core.list_namespace, version)

    def app_bodies(self, namespaces: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """List all MissYouApps, or those of some namespaces."""
        return self._app_pages(namespaces)

    def _app_pages(self, namespaces: Sequence[str], **options: Any) -> Iterator[Mapping[str, Any]]:
        for read in self._reads(namespaces):
            more: str | None = None
            while more != "":
                page = read(limit=_PAGE, _continue=more, _request_timeout=_TIMEOUT, **options)
                # Of no objects, the API server lists the metadata as null.
                yield from page["items"] or ()
                more = page["metadata"].get("continue", "")

    def _tenants(self, **options: Any) -> Any:
        return self._custom.list_cluster_custom_object(GROUP, VERSION, TENANT_PLURAL, **options)

    def annotate(self, namespace: str, name: str, key: str, value: str) -> None:
        """Set an annotation of a MissYouApp. One that is gone needs none; one without room for it has its status."""
        try:
            self._custom.patch_namespaced_custom_object(
                GROUP,
                VERSION,
                namespace,
                PLURAL,
                name,
                {"metadata": {"annotations": {key: value}}},
                field_manager=_MANAGER,
                _request_timeout=_TIMEOUT,
            )
        except ApiException as error:
            if error.status not in {404, 413, 422}:
                raise _unwritten(key, explanation(error)) from error
        except (HTTPError, OSError) as error:
            raise _unwritten(key, type(error).__name__) from error

    def _reads(self, namespaces: Sequence[str]) -> list[Callable[..., Any]]:
        """Return the lists of MissYouApps: in some namespaces, or in all where none is named."""
        everywhere = partial(self._custom.list_cluster_custom_object, GROUP, VERSION, PLURAL)
        within = partial(self._custom.list_namespaced_custom_object, GROUP, VERSION, plural=PLURAL)
        return [partial(within, namespace=name) for name in namespaces] or [everywhere]

    def patch_status(self, namespace: str, name: str, patch: Mapping[str, Any]) -> None:
        """Merge a patch into the status. Errors: ApiException (404: it is gone), HTTPError."""
        self._custom.patch_namespaced_custom_object_status(
            GROUP,
            VERSION,
            namespace,
            PLURAL,
            name,
            {"status": patch},
            field_manager=_MANAGER,
            _request_timeout=_TIMEOUT,
        )

    def patch_finalizers(self, meta: Mapping[str, Any], names: Sequence[str]) -> None:
        """Replace the finalizers of an app that is still as in `meta`. Errors: ApiException (404, 409), HTTPError."""
        changed = {"resourceVersion": meta["resourceVersion"], "finalizers": list(names)}
        self._custom.patch_namespaced_custom_object(
            GROUP,
            VERSION,
            meta["namespace"],
            PLURAL,
            meta["name"],
            {"metadata": changed},
            field_manager=_MANAGER,
            _request_timeout=_TIMEOUT,
        )


def _events(listing: Callable[..., Any], version: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    patience = (_TIMEOUT[0], _WATCH + 10)
    options = {"watch": True, "resource_version": version, "timeout_seconds": _WATCH, "_preload_content": False}
    answer = listing(**options, _request_timeout=patience)
    try:
        for line in iter_resp_lines(answer):  # type: ignore[no-untyped-call]
            event = json.loads(line)
            if event["type"] == "ERROR":
                raise ApiException(status=event["object"].get("code"), reason=event["object"].get("message"))
            yield event["type"], event["object"]
    finally:
        answer.close()
        answer.release_conn()


def _unwritten(key: str, why: str) -> FlakyError:
    text = f"Kubernetes does not store the annotation {key}, without which nothing is created: {why}"
    return FlakyError("KubernetesUnreachable", text)


def explanation(error: ApiException) -> str:
    """Return the API server's explanation. What it may quote of an app holds no secret."""
    try:
        text = json.loads(error.body or "")["message"]
    except (ValueError, TypeError, KeyError):
        text = error.reason
    return str(text)[:_MOST]


def _record(lease: Any) -> Record:
    shards = (lease.metadata.labels or {}).get(_SHARDS, "")
    holder = lease.spec.holder_identity or ""
    return Record(holder, lease.metadata.resource_version or "", int(shards) if shards.isdecimal() else 1)


def _text(raw: str | bytes) -> str | None:
    try:
        return base64.b64decode(raw).decode()
    except UnicodeDecodeError:
        return None

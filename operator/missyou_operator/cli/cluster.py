"""Reads MissYouApps from an API server, and explains a failure in one line."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from missyou_operator.api import GROUP, KIND, PLURAL, VERSION
from missyou_operator.cli.exits import Exit, Failure

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
#: Seconds to connect, and seconds to wait for an answer.
_TIMEOUT = (5.0, 30.0)
#: Seconds after which the server ends a watch, so that a broken connection is noticed.
_WATCH_SECONDS = 60
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

App = Mapping[str, Any]

# The hand-written parts of the client have no types.
_config: Any = config
_Watch: Any = watch.Watch


class Unreachable(Exception):  # noqa: N818 - a state of the connection, which `watch` outlives
    """The API server does not answer, or cannot at the moment."""


class Cluster:
    """The cluster of the current kubeconfig context, or the one that this process runs in.

    `namespace` is the context's.
    """

    def __init__(self) -> None:
        """Read the configuration. Raises Failure where there is none."""
        # Both libraries would print every retry; the outcome is printed once, here.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        settings = client.Configuration()
        settings.retries = 0
        self.namespace = _configure(settings)
        self._host = settings.host
        self._api = client.CustomObjectsApi(client.ApiClient(settings))

    def get(self, namespace: str, name: str, **options: Any) -> App:
        """Return one MissYouApp. Raises Failure when it does not exist."""
        app: App = self._ask(
            f'MissYouApp "{name}" not found in namespace "{namespace}"',
            self._api.get_namespaced_custom_object,
            *(GROUP, VERSION, namespace, PLURAL, name),
            **options,
        )
        return app

    def annotate(self, namespace: str, name: str, annotation: str, value: str) -> None:
        """Set an annotation of a MissYouApp. Raises Failure."""
        patch = {"metadata": {"annotations": {annotation: value}}}
        missing = f'MissYouApp "{name}" not found in namespace "{namespace}"'
        self._ask(missing, self._api.patch_namespaced_custom_object, GROUP, VERSION, namespace, PLURAL, name, patch)

    def delete(self, namespace: str, name: str) -> None:
        """Delete a MissYouApp, as `kubectl delete` does: it stays until its stack is gone. Raises Failure."""
        missing = f'MissYouApp "{name}" not found in namespace "{namespace}"'
        self._ask(missing, self._api.delete_namespaced_custom_object, GROUP, VERSION, namespace, PLURAL, name)

    def table(self, namespace: str | None, name: str | None = None) -> App:
        """Return a meta.k8s.io/v1 Table of the MissYouApps of one namespace, or of all."""
        options = {"_headers": {"Accept": _TABLE}}
        if namespace and name:
            return self.get(namespace, name, **options)
        if namespace:
            place = (GROUP, VERSION, namespace, PLURAL)
            answer: App = self._ask("", self._api.list_namespaced_custom_object, *place, **options)
        else:
            answer = self._ask("", self._api.list_custom_object_for_all_namespaces, GROUP, VERSION, PLURAL, **options)
        return answer

    def follow(self, namespace: str, name: str) -> Iterator[App | None]:
        """Yield one MissYouApp as it is and then after every change; None while it does not exist.

        Ends by itself after about a minute: call again. Raises Unreachable when the connection is lost, Failure when
        another try would not help.
        """
        where = (GROUP, VERSION, namespace, PLURAL)
        only = {"field_selector": f"metadata.name={name}"}
        found = self._try("", self._api.list_namespaced_custom_object, *where, **only)
        yield found["items"][0] if found["items"] else None
        stream = _Watch().stream(
            self._api.list_namespaced_custom_object,
            *where,
            **only,
            resource_version=found["metadata"]["resourceVersion"],
            timeout_seconds=_WATCH_SECONDS,
            _request_timeout=(_TIMEOUT[0], _WATCH_SECONDS + _TIMEOUT[1]),
        )
        try:
            for event in stream:
                yield None if event["type"] == "DELETED" else event["object"]
        except ApiException as error:
            # An expired resource version (410) is cured by the list that the next call begins with.
            raise self._exception(error, "") from None
        except (HTTPError, OSError, ValueError) as error:
            raise Unreachable(_root_cause(error)) from None

    def _ask(self, missing: str, call: Any, *args: Any, **options: Any) -> Any:
        """Call the API server once; being unreachable is a Failure here."""
        try:
            return self._try(missing, call, *args, **options)
        except Unreachable as error:
            raise Failure(Exit.CLUSTER, f"cannot reach the cluster at {self._host}: {error}") from None

    def _try(self, missing: str, call: Any, *args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options, _request_timeout=_TIMEOUT)
        except ApiException as error:
            raise self._exception(error, missing) from None
        except (HTTPError, OSError) as error:
            raise Unreachable(_root_cause(error)) from None

    def _exception(self, error: ApiException, missing: str) -> Exception:
        """Return the exception for an error of the API server. `missing` is the message for an object not found."""
        answer = _status_of(error)
        if error.status == 404 and not answer.get("details", {}).get("name"):
            return Failure(
                Exit.CLUSTER,
                f"the cluster at {self._host} does not know {KIND}: install the CRD with "
                "`missyou crd | kubectl apply -f -`",
            )
        if error.status == 404:
            return Failure(Exit.NOT_FOUND, missing)
        if error.status == 401:
            return Failure(Exit.CLUSTER, f"the cluster at {self._host} rejects the credentials of the kubeconfig")
        message = answer.get("message") or error.reason or "no reason given"
        if error.status in (410, 429) or (error.status or 500) >= 500:
            return Unreachable(f"{error.status} {message}")
        return Failure(Exit.CLUSTER, f"the cluster at {self._host} answers: {message}")


def _configure(settings: Any) -> str:
    """Fill in address and credentials, and return the namespace that goes with them."""
    path = os.environ.get("KUBECONFIG") or None
    try:
        _config.load_kube_config(config_file=path, client_configuration=settings)
        active = _config.list_kube_config_contexts(config_file=path)[1]
    except ConfigException as error:
        try:
            _config.load_incluster_config(client_configuration=settings)
        except ConfigException:
            raise Failure(
                Exit.CLUSTER, f"no cluster is configured: set KUBECONFIG or create ~/.kube/config ({error})"
            ) from None
        return _OWN_NAMESPACE.read_text().strip()
    return str(active["context"].get("namespace") or "default")


def _status_of(error: ApiException) -> dict[str, Any]:
    """Return the metav1.Status in an error; empty for a plain-text answer, such as for an unknown path."""
    try:
        answer = json.loads(error.body or "")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _root_cause(error: BaseException) -> str:
    """Return the message without urllib3's wrapping, such as "Connection refused"."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _root_cause(reason)
    return str(error).rpartition(": ")[2]

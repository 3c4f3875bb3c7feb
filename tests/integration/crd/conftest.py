"""The CRD in the real API server, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import client

from .client import Apps


@pytest.fixture(scope="session")
def apps(kube: client.ApiClient) -> Iterator[Apps]:
    """MissYouApps in a namespace of their own; nothing is left of them."""
    core = client.CoreV1Api(kube)
    namespace = core.create_namespace({"metadata": {"generateName": "crd-"}}).metadata.name
    found = Apps(kube, namespace)
    found.install()
    yield found
    found.delete_all()
    core.delete_namespace(namespace)

"""The CRD in the real API server, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import client

from .client import Apps


@pytest.fixture(scope="module")
def apps(kube: client.ApiClient) -> Iterator[Apps]:
    """Yield the MissYouApps of a new namespace, and delete them: another module starts an operator."""
    core = client.CoreV1Api(kube)
    namespace = core.create_namespace({"metadata": {"generateName": "crd-"}}).metadata.name
    found = Apps(kube, namespace)
    found.install()
    yield found
    found.delete_all()
    core.delete_namespace(namespace)

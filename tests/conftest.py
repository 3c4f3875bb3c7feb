"""For all tests: one control plane a process, for those that ask for it.

A shared machine may be slow at any moment, so no example of hypothesis has a deadline.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from kubernetes import client

from missyou_local import binaries, controlplane
from missyou_local.controlplane import ControlPlane

hypothesis.settings.register_profile("missyou", deadline=None)
hypothesis.settings.load_profile("missyou")


def say(line: str) -> None:
    """Reach the person who waits although pytest captures what tests print."""
    sys.__stderr__.write(f"{line}\n")


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = controlplane.start(tmp_path_factory.mktemp("control-plane"), binaries.find(say), say)
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def admin_kubeconfig(control_plane: ControlPlane) -> Path:
    """A kubeconfig that may do everything."""
    return control_plane.kubeconfig


@pytest.fixture(scope="session")
def kube(admin_kubeconfig: Path) -> Iterator[client.ApiClient]:
    """A client that may do everything."""
    with controlplane.api_client(admin_kubeconfig) as api:
        yield api

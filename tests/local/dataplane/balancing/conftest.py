from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from missyou_local.dataplane.balancing import LoadBalancers
from missyou_local.dataplane.certificates import self_signed
from tests.local.dataplane.balancing.support import App, Site


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"), ["localhost", "127.0.0.1"])


@pytest.fixture
def site(certificate: tuple[Path, Path]) -> Iterator[Site]:
    balancers = LoadBalancers(certificate)
    yield Site(balancers)
    balancers.close()


@pytest.fixture
def impatient(certificate: tuple[Path, Path]) -> Iterator[Site]:
    """Return a site whose idle timeout is a fifth of a second."""
    balancers = LoadBalancers(certificate, idle_timeout=0.2)
    yield Site(balancers)
    balancers.close()


@pytest.fixture
def start() -> Iterator[Callable[..., App]]:
    """Return a function that starts an app, which ends with the test."""
    apps: list[App] = []

    def start(name: str = "app") -> App:
        apps.append(App(name))
        return apps[-1]

    yield start
    for app in apps:
        app.stop()


@pytest.fixture
def app(start: Callable[..., App]) -> App:
    return start()

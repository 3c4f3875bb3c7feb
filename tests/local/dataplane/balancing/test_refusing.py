"""What clients get when a target does not serve."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tests.local.dataplane.balancing.support import App, Handler, Site, until

Start = Callable[..., App]


def test_without_targets_503(site: Site) -> None:
    site.serve()
    assert site.get().status == 503


def test_a_client_that_leaves_frees_its_target(site: Site, app: App) -> None:
    left = threading.Event()

    def until_left(handler: Handler) -> None:
        if handler.connection.recv(1) == b"":
            left.set()
        handler.close_connection = True

    app.on_request = until_left
    site.serve(app)
    connection = site.connect()
    connection.request("GET", "/")
    until(lambda: app.asked, "the target was asked")
    connection.close()
    assert left.wait(5)

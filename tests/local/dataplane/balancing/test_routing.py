from __future__ import annotations

import pytest
from yarl import URL

from missyou_local.dataplane.balancing import Redirect, Target
from missyou_local.dataplane.balancing.health import HEALTHY, NO_ANSWER, REGISTERING
from missyou_local.dataplane.balancing.routing import candidates, in_turn, location

STATES = {"a": HEALTHY, "b": REGISTERING, "c": NO_ANSWER, "d": None}


@pytest.mark.parametrize(
    ("registered", "able"), [("abcd", "a"), ("bcd", "c"), ("cc", "cc"), ("bb", ""), ("d", ""), ("", "")]
)
def test_healthy_targets_serve_and_without_any_the_unhealthy_ones(registered: str, able: str) -> None:
    targets = tuple(Target(name, "127.0.0.1", 1, 1) for name in registered)
    assert "".join(target.id for target in candidates(targets, lambda target: STATES[target.id])) == able


@pytest.mark.parametrize("begin", [0, 7, 1_000_000])
def test_few_requests_in_a_row_keep_the_weights(begin: int) -> None:
    groups = [in_turn({"old": 80, "none": 0, "new": 20}, begin + turn) for turn in range(25)]
    assert groups.count("new") in (4, 5, 6)
    assert groups.count("none") == 0
    assert in_turn({"old": 0}, begin) is None


@pytest.mark.parametrize(
    ("asked", "url"),
    [
        ("http://app.test:80/a/b?x=1&y=2", "https://app.test:5443/a/b?x=1&y=2"),
        ("http://[::1]/a/../b//c%2Fd?z=", "https://[::1]:5443/a/../b//c%2Fd?z="),
    ],
)
def test_a_redirect_keeps_host_path_and_query(asked: str, url: str) -> None:
    assert location(Redirect("HTTPS", 443), URL(asked, encoded=True), {443: 5443}.get) == url
    assert location(Redirect("HTTPS", 443), URL(asked, encoded=True), {}.get) == url.replace("5443", "443")

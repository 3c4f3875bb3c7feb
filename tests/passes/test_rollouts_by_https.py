"""As `test_rollouts`, where the app has a name of its own: HTTPS forwards the requests, and HTTP leads there."""

from __future__ import annotations

import pytest

from tests.sim.app import App, changes

from .test_rollouts import NAME, failed, forwarding, groups, settled, under_watch


@pytest.fixture(scope="module")
def plain(aws) -> App:
    """A stack without a name, whose zone is there."""
    aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="rollouts")
    app = App(aws, NAME, environment="Development", service={"replicas": {"min": 2, "max": 4}})
    app.settle()
    return app


def with_name(plain: App) -> App:
    """Give it its name, in the fork of one test."""
    plain.edit(domain={"name": "app.example.com"})
    plain.settle()
    return plain


def test_another_health_check_moves_in_the_same_steps(plain: App) -> None:
    named = with_name(plain)
    [old] = groups(named)
    named.edit(service={"healthCheck": {"path": "/ready"}})
    under_watch(named, settled(named))
    [(new, path)] = groups(named).items()
    assert (path, new != old) == ("/ready", True)
    assert forwarding(named) == {new: 1}
    assert named.body["status"].get("drift", []) == []
    named.clock.now += 60
    assert changes(named.calls(named.observe_now)) == {}


def test_a_bad_health_check_is_rolled_back(plain: App) -> None:
    named = with_name(plain)
    [old] = groups(named)
    named.aws.control.answer("POST", "/_control", b'{"unanswered": ["/nope"]}')
    named.edit(service={"healthCheck": {"path": "/nope"}})
    under_watch(named, failed(named))
    ends = named.clock.now + 200
    under_watch(named, lambda: named.clock.now > ends)
    assert forwarding(named)[old] == 1
    named.edit(service={"healthCheck": {"path": "/health"}})
    under_watch(named, settled(named))
    assert forwarding(named) == {old: 1}


def test_a_name_and_another_health_check_in_one_patch(plain: App) -> None:
    plain.edit(domain={"name": "app.example.com"}, service={"healthCheck": {"path": "/ready"}})
    under_watch(plain, settled(plain))
    assert list(groups(plain).values()) == ["/ready"]
    assert forwarding(plain) == dict.fromkeys(groups(plain), 1)

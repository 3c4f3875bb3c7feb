"""Health as load balancers find it, and what it does to traffic."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from missyou_local.dataplane.balancing import Check, Redirect, Target, TargetHealth
from tests.local.dataplane.balancing.support import CHECK, App, Handler, Site, after, free_port, listens, until

Start = Callable[..., App]


def ill(handler: Handler) -> None:
    handler.say(503)


def well(handler: Handler) -> None:
    handler.say(200)


def test_checks_are_made_as_an_alb_makes_them(site: Site, app: App) -> None:
    site.serve(app, check=replace(CHECK, path="/health?deep=yes"))
    check = app.checks[0]
    assert check["Host"] == app.target().id
    assert check["User-Agent"] == "ELB-HealthChecker/2.0"
    assert check["Connection"] == "close"


def test_the_first_check_is_made_at_once(site: Site, app: App) -> None:
    site.serve(app, check=replace(CHECK, interval=3600.0))
    assert len(app.checks) == 1


def test_a_port_that_admits_nobody_here_keeps_no_target_from_being_checked(site: Site, app: App) -> None:
    site.listener = replace(site.listener, admits=False)
    site.register(app.target())
    site.await_state(app, "healthy")
    assert not listens(site.listener.local_port)
    site.listener = replace(site.listener, admits=True)
    site.apply()
    site.await_listening()
    assert site.get().body == b"app"
    site.listener = replace(site.listener, admits=False)
    site.apply()
    until(lambda: not listens(site.listener.local_port), "the port is closed")
    site.await_state(app, "healthy")


def test_a_target_falls_ill_and_gets_well(site: Site, app: App) -> None:
    site.serve(app)
    app.on_check = ill
    site.await_state(app, "unhealthy")
    assert site.health(app) == TargetHealth(
        "unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"
    )
    app.on_check = well
    site.await_state(app, "healthy")
    assert site.health(app) == TargetHealth("healthy")


def assert_first(states: list[str], number: int, first: str, *, then: str) -> None:
    """Check what so many checks met. By the time that somebody looks, there may have been more."""
    assert states[:number] == [first] * number
    assert set(states[number:]) <= {then}


def test_thresholds_count_checks(site: Site, app: App) -> None:
    site.serve(app, check=replace(CHECK, healthy=4, unhealthy=3))
    states: list[str] = []

    def noting(answer: Callable[[Handler], None]) -> Callable[[Handler], None]:
        def note(handler: Handler) -> None:
            health = site.health(app)
            states.append(health.state if health else "")
            answer(handler)

        return note

    app.on_check = noting(ill)
    site.await_state(app, "unhealthy")
    assert_first(states, 3, "healthy", then="unhealthy")
    states.clear()
    app.on_check = noting(well)
    site.await_state(app, "healthy")
    assert_first(states, 4, "unhealthy", then="healthy")


def test_a_target_that_does_not_answer_in_time(site: Site, app: App) -> None:
    forever = threading.Event()
    app.on_check = after(forever)
    site.register(app.target(), check=replace(CHECK, timeout=0.05))
    site.await_state(app, "unhealthy")
    assert site.health(app) == TargetHealth("unhealthy", "Target.Timeout", "Request timed out")
    forever.set()


@pytest.mark.parametrize("said", [None, b"", b"nonsense\r\n\r\n"])
def test_a_target_that_cannot_be_reached_or_babbles(site: Site, app: App, said: bytes | None) -> None:
    def babble(handler: Handler) -> None:
        handler.wfile.write(said or b"")
        handler.hang_up()

    app.on_check = babble
    target = app.target() if said is not None else Target("10.0.0.9:80", "127.0.0.1", closed := free_port(), closed)
    site.register(target)
    site.await_state(target.id, "unhealthy")
    assert site.health(target.id) == TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")


def test_a_redirect_is_an_answer_like_any_other(site: Site, app: App) -> None:
    app.on_check = lambda handler: handler.say(302, Location="/elsewhere")
    site.register(app.target())
    site.await_state(app, "unhealthy")
    site.register(app.target(), check=replace(CHECK, codes="200-399"))
    site.await_state(app, "healthy")


def test_a_changed_check_acts_at_once_and_keeps_what_is_known(site: Site, app: App) -> None:
    site.serve(app, check=replace(CHECK, interval=3600.0))
    site.register(app.target(), check=Check("/healthz", 3600.0, 1.0, 2, 2, "200"))
    until(lambda: len(app.checks) == 2, "it is checked by the new rule")
    assert site.health(app) == TargetHealth("healthy")


def test_turns_go_round_the_healthy_targets_only(site: Site, start: Start) -> None:
    one, two, three = start("one"), start("two"), start("three")
    site.serve(one, two, three)
    assert Counter(site.get().body for _ in range(9)) == {b"one": 3, b"two": 3, b"three": 3}
    two.on_check = ill
    site.await_state(two, "unhealthy")
    assert Counter(site.get().body for _ in range(8)) == {b"one": 4, b"three": 4}
    two.on_check = well
    site.await_state(two, "healthy")
    assert Counter(site.get().body for _ in range(9)) == {b"one": 3, b"two": 3, b"three": 3}


def test_all_targets_unhealthy_get_traffic_all_the_same(site: Site, start: Start) -> None:
    one, two = start("one"), start("two")
    one.on_check = two.on_check = ill
    site.register(one.target(), two.target())
    site.await_state(one, "unhealthy")
    site.await_state(two, "unhealthy")
    site.await_listening()
    assert Counter(site.get().body for _ in range(4)) == {b"one": 2, b"two": 2}


def test_new_targets_get_no_traffic_before_they_pass_a_check(site: Site, app: App) -> None:
    checked = threading.Event()
    app.on_check = after(checked)
    site.register(app.target())
    site.await_listening()
    assert site.health(app) == TargetHealth(
        "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
    )
    assert site.get().status == 503
    checked.set()
    site.await_state(app, "healthy")
    assert site.get().status == 200


def test_a_draining_target_finishes_what_it_has_and_gets_nothing_new(site: Site, start: Start) -> None:
    old, new = start("old"), start("new")
    finish = threading.Event()
    old.on_request = after(finish, 200, b"finished")
    site.serve(old)
    in_flight = site.connect()
    in_flight.request("GET", "/")
    until(lambda: old.asked, "the request is in flight")

    site.register(old.target(draining=True), new.target())
    assert site.health(old) is None
    site.await_state(new, "healthy")
    assert {site.get().body for _ in range(4)} == {b"new"}
    site.register(new.target())
    assert site.health(old) is None
    finish.set()
    assert in_flight.getresponse().read() == b"finished"
    in_flight.close()


def test_a_draining_target_is_not_checked(site: Site, start: Start) -> None:
    leaving, staying = start("leaving"), start("staying")
    site.register(leaving.target(draining=True), staying.target())
    until(lambda: len(staying.checks) > 3, "the other is checked")
    assert leaving.checks == []


def test_only_draining_targets_503(site: Site, app: App) -> None:
    site.serve(app)
    site.register(app.target(draining=True))
    assert site.get().status == 503


def test_a_group_that_no_listener_uses_is_not_checked(site: Site, app: App) -> None:
    forward = site.listener
    site.listener = replace(forward, action=Redirect("HTTPS", 443))
    site.register(app.target())
    site.await_listening()
    assert (site.health(app), app.checks) == (None, [])
    site.listener = forward
    site.apply()
    site.await_state(app, "healthy")


def test_a_target_that_left_and_came_back_begins_anew(site: Site, app: App) -> None:
    site.serve(app)
    site.register()
    until(lambda: site.get().status == 503, "it left")
    app.on_check = ill
    site.register(app.target())
    assert site.health(app) != TargetHealth("healthy")
    site.await_state(app, "unhealthy")


def test_what_is_not_registered_has_no_health(site: Site) -> None:
    assert site.health("10.0.0.1:80") is None
    assert site.balancers.health("no such group", "10.0.0.1:80") is None

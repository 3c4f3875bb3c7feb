from __future__ import annotations

import re

import pytest

from missyou_local.dataplane.balancing import Fixed, Forward, Group, Listener, Redirect, Rule, Target
from missyou_local.dataplane.balancing.headers import trace_id
from missyou_local.dataplane.balancing.health import Vitals
from missyou_local.dataplane.balancing.redirecting import Asked, location
from missyou_local.dataplane.balancing.routing import RoundRobin, action_for, candidates, hostname
from tests.local.dataplane.balancing.support import CHECK

DEFAULT = Forward("default")


def chosen(host: str, path: str, *rules: Rule) -> object:
    action = action_for(Listener("l", "b", "HTTP", 80, 1, DEFAULT, rules), host, path)
    return action.body if isinstance(action, Fixed) else action


def rule(priority: int, *, paths: tuple[str, ...] = (), hosts: tuple[str, ...] = (), says: str = "yes") -> Rule:
    return Rule(priority, paths, hosts, Fixed(200, body=says))


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/img/*", "/img/a/b.png", True),
        ("/img/*", "/img", False),
        ("/img/*", "/IMG/a", False),
        ("*.png", "/a/b.png", True),
        ("/a?c", "/abc", True),
        ("/a?c", "/ac", False),
        ("/a.c", "/abc", False),
        ("/[ab]", "/a", False),
        ("/[ab]", "/[ab]", True),
    ],
)
def test_path_patterns_know_two_wildcards_and_case(pattern: str, path: str, matches: bool) -> None:
    assert chosen("h", path, rule(1, paths=(pattern,))) == ("yes" if matches else DEFAULT)


def test_hosts_are_compared_without_case() -> None:
    assert chosen("API.Example.com", "/", rule(1, hosts=("*.example.COM",))) == "yes"
    assert chosen("example.com", "/", rule(1, hosts=("*.example.com",))) == DEFAULT


def test_a_rule_needs_both_of_its_conditions_and_one_pattern_of_each() -> None:
    both = rule(1, paths=("/a", "/b"), hosts=("x.com", "y.com"))
    assert chosen("y.com", "/b", both) == "yes"
    assert chosen("y.com", "/c", both) == DEFAULT
    assert chosen("z.com", "/b", both) == DEFAULT


def test_the_lowest_priority_acts_in_whatever_order_rules_come() -> None:
    rules = rule(20, paths=("/*",), says="late"), rule(3, paths=("/*",), says="early")
    assert chosen("h", "/", *rules) == "early"


@pytest.mark.parametrize(
    ("header", "name"),
    [("a.com", "a.com"), ("a.com:8080", "a.com"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("", "")],
)
def test_a_host_header_names_a_host_and_perhaps_a_port(header: str, name: str) -> None:
    assert hostname(header) == name


HEALTHY, INITIAL, UNHEALTHY, DRAINING = "abcd"
STATES = {HEALTHY: Vitals("healthy"), INITIAL: Vitals(), UNHEALTHY: Vitals("unhealthy"), DRAINING: Vitals("healthy")}


@pytest.mark.parametrize(
    ("registered", "able"),
    [
        ("abcd", "a"),
        ("bcd", "c"),
        ("cc", "cc"),
        ("bb", ""),
        ("d", ""),
        ("", ""),
    ],
)
def test_healthy_targets_serve_and_without_any_the_unhealthy_ones(registered: str, able: str) -> None:
    targets = tuple(Target(name, "127.0.0.1", 1, draining=name == DRAINING) for name in registered)
    found = candidates(Group("g", CHECK, targets), lambda target: STATES[target.id])
    assert "".join(target.id for target in found) == able


def test_turns_are_taken_in_each_group() -> None:
    turns = RoundRobin()
    one, two = Target("1", "h", 1), Target("2", "h", 2)
    assert [turns.choose("g", (one, two)).id for _ in range(4)] == ["1", "2", "1", "2"]
    assert [turns.choose("other", (one, two)).id for _ in range(2)] == ["1", "2"]
    assert turns.choose("g", (two,)) == two


ASKED = Asked("HTTP", "app.test", 80, "/a/b", "x=1&y=2")


def leads_to(redirect: Redirect, asked: Asked = ASKED) -> str:
    return location(redirect, asked, {80: 5080, 443: 5443}.get)


@pytest.mark.parametrize(
    ("redirect", "url"),
    [
        (Redirect(protocol="HTTPS", port="443"), "https://app.test:5443/a/b?x=1&y=2"),
        (Redirect(path="/new/#{path}"), "http://app.test:5080/new/a/b?x=1&y=2"),
        (Redirect(port="8443"), "http://app.test:8443/a/b?x=1&y=2"),
        (Redirect(host="www.#{host}"), "http://www.app.test:80/a/b?x=1&y=2"),
        (Redirect(host="elsewhere.test", port="443"), "http://elsewhere.test:443/a/b?x=1&y=2"),
        (Redirect(query="#{query}&from=#{host}:#{port}"), "http://app.test:5080/a/b?x=1&y=2&from=app.test:80"),
        (Redirect(path="/#{host}/#{protocol}", query=""), "http://app.test:5080/app.test/HTTP"),
    ],
)
def test_a_redirect_fills_in_what_was_asked_for(redirect: Redirect, url: str) -> None:
    assert leads_to(redirect) == url


def test_what_a_client_sends_is_not_filled_in_again() -> None:
    asked = Asked("HTTP", "app.test", 80, "/#{host}", "#{path}")
    assert leads_to(Redirect(), asked) == "http://app.test:5080/#{host}?#{path}"


def test_no_query_leaves_no_question_mark() -> None:
    assert leads_to(Redirect(), Asked("HTTPS", "app.test", 443, "/", "")) == "https://app.test:5443/"


ID = r"1-[0-9a-f]{8}-[0-9a-f]{24}"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("", rf"Root={ID}"),
        ("Root=1-67891233-abcdef012345678912345678", rf"Self={ID};Root=1-67891233-abcdef012345678912345678"),
        ("Self=1-1-1;Root=1-2-3;CalledFrom=app", rf"Self={ID};Root=1-2-3;CalledFrom=app"),
        ("CalledFrom=app", rf"Root={ID};CalledFrom=app"),
    ],
)
def test_a_trace_is_begun_or_gone_on_with(received: str, expected: str) -> None:
    assert re.fullmatch(expected, trace_id(received))

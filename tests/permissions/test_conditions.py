"""The policy's ARNs and conditions: what the operator asks is allowed, the same of strangers' things is denied."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from missyou_operator.aws.iam_policy import Document
from missyou_operator.aws.scope import Scope
from missyou_operator.cli.policy import policy

from . import strangers
from .authorization import Check
from .life import BOUNDARY, Lived
from .simulator import Answers, Asked, ask

#: Installing the simulator for the first time takes its time, and so does the life on a busy machine.
pytestmark = pytest.mark.timeout(600)
GENERAL, NARROW = "general", "narrow"
POLICIES = (GENERAL, NARROW)
Variants = Callable[[Check], Iterable[tuple[str, Check]]]
STRANGERS: tuple[tuple[str, Variants], ...] = (
    (GENERAL, strangers.of_a_like_name),
    (GENERAL, strangers.in_another_account),
    (NARROW, strangers.of_another_name),
    (NARROW, strangers.in_another_account),
    (NARROW, strangers.in_another_region),
)
#: Resource types that AWS's reference calls required where one of several is: those of the other load balancers.
ONE_OF_SEVERAL = {"listener/net", "listener/gwy"}


def foreign(lived: Lived, variants: Variants) -> Iterator[tuple[str, Check]]:
    """Return all that the operator asked and that changes something, about strangers' things."""
    changing = strangers.changing()
    for check in lived.checks:
        if check.action in changing:
            yield from variants(check)


@pytest.fixture(scope="session")
def answers(lived: Lived) -> Answers:
    own = (Asked.about(policy, check) for policy in POLICIES for check in lived.checks)
    others = (Asked.about(policy, check) for policy, variants in STRANGERS for _, check in foreign(lived, variants))
    return ask(policies(lived), [*own, *others])


def policies(lived: Lived) -> dict[str, list[Document]]:
    """Return the widest policy that demands a boundary, and the one that the life was lived under."""
    scopes = {GENERAL: Scope(boundary=BOUNDARY), NARROW: lived.narrow}
    return {name: list(policy(scope).values()) for name, scope in scopes.items()}


@pytest.mark.parametrize("policy", POLICIES)
def test_what_the_operator_asks_is_allowed(lived: Lived, answers: Answers, policy: str) -> None:
    assert lived.failures == ()
    asked = [Asked.about(policy, check) for check in lived.checks]
    assert len(asked) > 300
    assert [one for one in asked if not answers.allowed(one)] == []


@pytest.mark.parametrize(
    ("policy", "variants", "expected"),
    [
        (GENERAL, strangers.of_a_like_name, set(strangers.BY_NAME_ONLY)),
        (GENERAL, strangers.in_another_account, set()),
        (NARROW, strangers.of_another_name, strangers.NAMELESS),
        (NARROW, strangers.in_another_account, set()),
        (NARROW, strangers.in_another_region, strangers.ELSEWHERE),
    ],
)
def test_the_same_of_strangers_is_denied(
    lived: Lived, answers: Answers, policy: str, variants: Variants, expected: set[str]
) -> None:
    cases = list(foreign(lived, variants))
    assert len(cases) > 100
    allowed = [(name, check) for name, check in cases if answers.allowed(Asked.about(policy, check))]
    assert {check.action for _, check in allowed} == expected, allowed


def test_each_changing_action_was_tried_on_strangers(lived: Lived) -> None:
    tried = {check.action for _, check in foreign(lived, strangers.of_a_like_name)}
    tried |= {check.action for _, check in foreign(lived, strangers.of_another_name)}
    assert strangers.changing() - tried == set(strangers.UNBOUND)
    assert {check.action for check in lived.checks if check.resource == "*"} & strangers.changing() == set(
        strangers.UNBOUND
    )


def test_the_model_asks_for_all_the_resources_that_aws_does(lived: Lived, answers: Answers) -> None:
    """AWS's reference says which types of resources an action needs: each of them was among those checked."""
    resources: dict[str, list[str]] = {}
    for check in lived.checks:
        resources.setdefault(check.action, []).append(check.resource)
    missing = [
        (action, type_)
        for action in sorted(strangers.changing())
        for type_, pattern in answers.required[action].items()
        if type_ not in ONE_OF_SEVERAL and not any(fits(pattern, resource) for resource in resources[action])
    ]
    assert missing == []


def fits(pattern: str, resource: str) -> bool:
    """Return whether an ARN is of a form such as `arn:${Partition}:ec2:${Region}:${Account}:vpc/${VpcId}`."""
    parts = re.split(r"\$\{\w+\}", pattern)
    return re.fullmatch(".*".join(re.escape(part) for part in parts), resource) is not None


def test_what_the_policy_cannot_keep_apart_is_told() -> None:
    told = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()
    for action in (*strangers.BY_NAME_ONLY, *strangers.UNBOUND):
        assert f"`{action}`" in told

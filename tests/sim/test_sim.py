"""The harness itself: a stack lives in it, runs replay, forks stay apart, and what breaks is seen."""

from __future__ import annotations

import random

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.loaders import Loader
from moto.moto_api._internal import mock_random

from missyou_operator.aws.assumed import Identity
from missyou_operator.aws.models import loader
from missyou_operator.aws.session import Accounts

from .app import App, changes
from .aws import REGION, Aws
from .forks import Forks, apart, each
from .process import Killed
from .production import CHANGED, production
from .workers import Seeded


def test_a_stack_is_grown_changed_and_deleted(aws: Aws) -> None:
    app = production(aws)
    empty = app.everything()
    app.settle()
    grown = app.everything()
    assert (len(grown["vpcs"]), len(grown["subnets"]), len(grown["NAT gateways"])) == (1, 6, 2)
    app.edit(**CHANGED)
    app.settle()
    assert app.everything()["NAT gateways"] == ["crash-nat-a"]
    assert changes(app.calls(app.observe_now)) == {}
    app.delete()
    app.clock.now += 60.0
    left = app.everything()
    # What a production stack leaves is its last snapshot, and revisions that cost nothing.
    assert {kind: rows for kind, rows in left.items() if rows != empty[kind]} == {}


def lived(aws: Aws, seed: int) -> list[str]:
    app = production(aws)
    random.seed(seed)
    mock_random.seed(seed)
    app.seed = seed
    app.restart()
    app.grow()
    return [f"{entry['operation']} at {entry['clock']}" for entry in aws.control.ledger.entries()]


def test_a_run_replays_from_its_seed_and_another_seed_is_another_run(aws: Aws) -> None:
    first, again, other = (apart(lambda seed=seed: lived(aws, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_what_happens_in_a_fork_stays_in_it(aws: Aws) -> None:
    app = App(aws, "forked", environment="Development")

    def grow() -> int:
        app.grow()
        return len(app.everything()["vpcs"])

    assert apart(grow) == 1
    assert app.everything()["vpcs"] == []
    assert app.reports == []


def test_a_fork_that_fails_says_how() -> None:
    def fail() -> None:
        assert 1 + 1 == 3, "sums"

    [good, bad] = each({"good": lambda: 4, "bad": fail})
    assert (good.result, good.failure) == (4, None)
    assert bad.name == "bad"
    assert "sums" in (bad.failure or "")
    with pytest.raises(pytest.fail.Exception, match="sums"):
        bad.value()


def test_a_fork_in_the_middle_of_a_call_is_the_whole_process_there(aws: Aws) -> None:
    app = production(aws)
    forks = Forks()

    def moment(when: str, call: str) -> None:
        if (when, call) == ("after", "ec2:CreateVpc") and forks.split("killed"):
            raise Killed

    app.process.moment = moment
    try:
        app.one_pass()
    except Killed:
        forks.leave(lambda: app.process.calls)
    [killed] = forks.ended()
    assert killed.value()[-1] == "ec2:CreateVpc"
    assert len(app.process.calls) > len(killed.value())


@pytest.mark.parametrize(
    ("fault", "error", "made"),
    [
        ({"reset": 1.0}, ConnectionClosedError, 0),
        ({"lost": 1.0}, ConnectionClosedError, 1),
        ({"hang": 1.0}, ReadTimeoutError, 1),
    ],
)
def test_a_connection_breaks_before_or_after_the_call_took_effect(aws: Aws, fault, error, made) -> None:
    ec2 = aws.client("ec2")
    before = len(ec2.describe_vpcs()["Vpcs"])
    aws.faults({"match": "ec2:CreateVpc", **fault})
    with pytest.raises(error):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    aws.calm()
    assert len(ec2.describe_vpcs()["Vpcs"]) - before == made


def test_every_order_can_be_drawn() -> None:
    orders = set()
    for seed in range(100):
        workers, order = Seeded(seed), []
        running = {workers.submit(order.append, name) for name in "abc"}
        while running:
            running -= set(workers.first(list(running)))
        orders.add("".join(order))
    assert len(orders) == 6


def test_roles_share_the_clients_of_a_region(aws: Aws) -> None:
    """With some of its own, a role takes 8 MB more, and anybody may name roles."""
    accounts = Accounts(aws)
    role = Identity(role="arn:aws:iam::123456789012:role/tenant")
    own, assumed = (accounts.get(REGION, who).client("ec2") for who in (Identity(), role))
    assert own.meta is assumed.meta


def test_a_change_after_a_start_needs_no_client_that_is_not_prepared(aws: Aws) -> None:
    """It would wait until it is made."""
    app = App(aws, "first", environment="Production")
    app.grow()
    app.restart()
    app.accounts.prepare(REGION)
    made: list[str] = []
    session = app.accounts.get(REGION).region.session
    session.events.register("creating-client-class", lambda event_name, **_: made.append(event_name))
    app.edit(monitoring={"logRetentionDays": 14})
    changed = app.calls(app.one_pass)
    assert changed["logs:PutRetentionPolicy"]
    assert made == []


def test_models_of_aws_are_read_as_botocore_reads_them_but_for_their_documentation() -> None:
    def without(part: object) -> object:
        if isinstance(part, dict):
            named = part.items()
            return {
                name: "" if name == "documentation" and isinstance(each, str) else without(each) for name, each in named
            }
        return [*map(without, part)] if isinstance(part, list) else part

    theirs = Loader()
    for service in ("ec2", "ecs"):
        assert loader().load_service_model(service, "service-2") == without(
            theirs.load_service_model(service, "service-2")
        )
    assert "documentation" in theirs.load_service_model("ecs", "service-2")

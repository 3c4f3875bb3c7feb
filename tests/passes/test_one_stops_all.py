"""One app's owner tries to use up what all share: memory by external IDs, STS's rate, AWS's reads by annotations."""

from __future__ import annotations

import json

import pytest

from missyou_operator.aws.assumed import Identity
from missyou_operator.aws.session import Accounts
from missyou_operator.aws.tenant_session import trust
from tests.sim.app import CLUSTER, App
from tests.sim.aws import REGION

ROLE = "arn:aws:iam::123456789012:role/guarded"


def guard(app: App) -> None:
    """Create a role that trusts another namespace only."""
    document = json.dumps(trust("arn:aws:iam::123456789012:user/operator", CLUSTER, ["others"]))
    app.client("iam").create_role(RoleName="guarded", AssumeRolePolicyDocument=document)


def test_external_ids_that_are_tried_leave_nothing_behind(aws):
    app = App(aws, "guesser", environment="Development")
    guard(app)
    clients = []
    for number in range(100):
        app.edit(credentials={"roleARN": ROLE, "externalID": f"guess-{number}"})
        app.one_pass()
        assert app.reason("Stalled") == "AccessDenied"
        app.clock.now += 10.0
        kept = len(app.accounts)
        # As the operator itself calls its sessions for this app: it is the account that the pass has left behind.
        identity = Identity.chosen(ROLE, f"guess-{number}", "default", "guesser")
        clients.append(app.accounts.get(REGION, identity).client("ec2").meta)
        assert len(app.accounts) <= kept
    assert all(each is clients[0] for each in clients), "an identity has no clients of its own"
    app.clock.now += 120.0
    app.one_pass()
    assert len(app.accounts) < 10


def test_what_nobody_uses_is_forgotten_and_their_number_is_bounded(aws):
    accounts = Accounts(aws)
    for number in range(4200):
        accounts.get(REGION, Identity(ROLE, f"id-{number}"))
    assert len(accounts) <= 4096
    aws.clock.now += 1000.0
    accounts.get(REGION)
    assert len(accounts) == 1
    # Regions are anybody's choice as well, and their clients are what takes room.
    for number in range(50):
        accounts.get(f"xx-nowhere-{number}")
    assert accounts.regions <= 40


def test_a_refused_role_is_asked_for_less_and_less(aws):
    app = App(aws, "impatient", environment="Development", credentials={"roleARN": ROLE, "externalID": "guess"})
    guard(app)

    def hammered() -> None:
        for _ in range(200):
            app.edit()
            app.one_pass()
            app.clock.now += 1.0

    # A pass each second: at 0, 5, 15, 35 and 75 s, and then once a minute.
    assert app.calls(hammered)["sts:AssumeRole"] <= 7


@pytest.fixture(scope="module")
def settled(aws) -> App:
    aws.reset()
    app = App(aws, "asked", environment="Development")
    app.settle()
    return app


def test_an_annotation_in_a_loop_costs_no_more_than_half_a_minute_would(aws, settled):
    app = settled
    app.clock.now += 3600.0
    app.one_pass()

    def asked(times: int, pause: float) -> int:
        def work() -> None:
            for _ in range(times):
                app.observe_now()
                assert (
                    app.body["status"]["lastHandledReconcileAt"]
                    == app.body["metadata"]["annotations"]["missyou.app/reconcile"]
                )
                app.clock.now += pause

        return app.calls(work)["ec2:DescribeVpcs"]

    app.clock.now += 3600.0
    assert asked(1, 0.0) == 1, "who asks once is answered at once"
    app.clock.now += 3600.0
    # Five minutes of requests, one every two seconds: 10 at once, 10 in the time, and its resyncs.
    assert asked(150, 2.0) <= 10 + 10 + 8


def test_a_request_that_had_to_wait_is_carried_out(aws, settled):
    app = settled
    for _ in range(12):
        app.observe_now()
    app.client("cloudwatch").delete_alarms(AlarmNames=["asked-ecs-cpu"])
    app.observe_now()
    assert app.reports[-1].requeue_after <= 30.0
    app.wait()
    app.one_pass()
    assert app.client("cloudwatch").describe_alarms(AlarmNames=["asked-ecs-cpu"])["MetricAlarms"]

"""Requests are held back before AWS has to: the arithmetic, the order of those who wait, and what is put off."""

from __future__ import annotations

import contextvars
import threading

import pytest

from missyou_operator.api.conditions import Reason
from missyou_operator.aws import clock, rates
from missyou_operator.aws.published_rates import Limit, family_of
from missyou_operator.aws.rates import Bucket, Rates, Room
from missyou_operator.engine.errors import NotYetError

NAT = ("123456789012", "us-east-1", "ec2", "CreateNatGateway")


class Clock:
    """Seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, _event: threading.Event, longest: float) -> None:
        self.now += longest


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "CLOCK", clock.Clock(made, made, made.wait))
    return made


def sent(bucket: Bucket, begin: float, seconds: float) -> int:
    """Count the requests that a bucket lets through when somebody asks all the time."""
    return sum(bucket.take(begin + step / 100) for step in range(int(seconds * 100)))


def test_a_bucket_holds_so_many_and_gains_so_many_a_second() -> None:
    assert sent(Bucket(Limit(10, 1), 0.0), 0.0, 30.0) == pytest.approx(10 + 30, abs=1)


def test_waiting_as_long_as_it_says_is_enough() -> None:
    bucket, now = Bucket(Limit(1, 0.3), 0.0), 0.0
    for _ in range(50):
        now += bucket.wait(now)
        assert bucket.take(now)


def test_throttling_halves_the_refill_which_comes_back_slowly() -> None:
    bucket = Bucket(Limit(100, 20), 0.0)
    bucket.throttled(10.0)
    assert (bucket.rate(10.0), bucket.take(10.0)) == (10.0, False)
    # Of one and the same excess, many requests tell.
    bucket.throttled(10.1)
    assert bucket.rate(10.1) == pytest.approx(10.0, abs=0.1)
    bucket.throttled(12.0)
    assert bucket.rate(12.0) == pytest.approx(5.3, abs=0.1)
    assert 15.0 < bucket.rate(45.0) < bucket.rate(60.0) == 20.0


def test_however_often_it_is_throttled_something_still_goes() -> None:
    bucket = Bucket(Limit(50, 5), 0.0)
    for second in range(0, 200, 2):
        bucket.throttled(float(second))
    assert bucket.wait(200.0) < 20.0


def test_a_person_goes_first_and_apps_take_turns() -> None:
    room = Room()
    for app in ("broken", "broken", "broken", "fine", "broken"):
        room.enter(app, urgent=False)
    room.enter("changed", urgent=True)
    order = []
    while (ticket := room.first()) is not None:
        order.append(ticket.app)
        room.leave(ticket)
    assert order == ["changed", "broken", "fine", "broken", "broken", "broken"]


def test_one_app_makes_another_wait_for_one_turn_only() -> None:
    room = Room()
    for _ in range(100):
        room.enter("broken", urgent=False)
    assert (room.ahead("fine", urgent=False), room.ahead("broken", urgent=False)) == (1, 100)
    assert room.ahead("changed", urgent=True) == 0


def test_requests_wait_as_long_as_aws_needs_and_that_is_told(time_passes: Clock) -> None:
    waited: list[tuple[str, float]] = []
    bounds = Rates(lambda family, seconds: waited.append((family, seconds)))
    for _ in range(20):
        bounds.wait(*NAT)
    # Nine at once, for others use the account, too, and then 0.9 a second.
    assert time_passes.now - 1000.0 == pytest.approx(11 / 0.9, abs=0.1)
    assert len(waited) == 11
    assert {family for family, _ in waited} == {"ec2:CreateNatGateway"}


def test_accounts_regions_and_apis_do_not_wait_for_each_other(time_passes: Clock) -> None:
    bounds, (account, region, service, operation) = Rates(), NAT
    for other in (NAT, ("999999999999", *NAT[1:]), (account, "eu-west-1", service, operation)):
        for _ in range(9):
            bounds.wait(*other)
    bounds.wait(account, region, service, "DeleteNatGateway")
    assert time_passes.now == 1000.0


def test_route_53_has_one_bucket_for_all_regions(time_passes: Clock) -> None:
    bounds = Rates()
    for region in ("us-east-1", "eu-west-1"):
        for operation in ("ListHostedZones", "ChangeResourceRecordSets") * 3:
            bounds.wait("123456789012", region, "route-53", operation)
    assert time_passes.now - 1000.0 == pytest.approx(8 / 4.5, abs=0.2)


def test_what_would_hold_a_thread_for_long_is_put_off(time_passes: Clock) -> None:
    late: list[str] = []
    bounds = Rates(put_off=late.append)
    bounds.throttled(*NAT)
    bounds.throttled(*NAT)
    for _ in range(8):
        time_passes.now += 1.1
        bounds.throttled(*NAT)
    with pytest.raises(NotYetError) as refused:
        bounds.wait(*NAT)
    assert (refused.value.health.status, refused.value.health.reason) == ("pending", Reason.RATE_LIMITED)
    assert refused.value.health.typical_seconds > 20.0
    assert late == ["ec2:CreateNatGateway"]


def test_among_threads_the_urgent_request_is_sent_first() -> None:
    """On real threads: a dozen reads wait for Route 53's five a second, and a person's change overtakes them."""
    bounds, order = Rates(), []

    def request(app: str, *, urgent: bool) -> None:
        rates.app.set(app)
        rates.urgent.set(lambda: urgent)
        bounds.wait("123456789012", "us-east-1", "route-53", "ListResourceRecordSets")
        order.append(app)

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(request, f"read-{n}"), kwargs={"urgent": False})
        for n in range(12)
    ]
    threads.append(
        threading.Thread(target=contextvars.copy_context().run, args=(request, "changed"), kwargs={"urgent": True})
    )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20.0)
    assert len(order) == 13
    # It came last. How many went before its thread had begun depends on the machine.
    assert order[-1] != "changed", order


@pytest.mark.parametrize(
    ("service", "operation", "name"),
    [
        ("ecs", "CreateService", "ecs:services"),
        ("ecs", "DeleteService", "ecs:services"),
        ("ecs", "DescribeTasks", "ecs:reads of tasks"),
        ("ec2", "DescribeVpcs", "ec2:DescribeVpcs"),
        ("rds", "DescribeDBInstances", "rds:DescribeDBInstances"),
    ],
)
def test_some_apis_share_a_bucket(service: str, operation: str, name: str) -> None:
    assert family_of(service, operation).name == name


def test_operators_that_share_the_apps_share_the_limits(time_passes: Clock) -> None:
    bounds = Rates()
    bounds.wait(*NAT)
    bounds.share(1 / 3)
    for _ in range(20):
        bounds.wait(*NAT)
    began = time_passes.now
    for _ in range(10):
        bounds.wait(*NAT)
    assert time_passes.now - began == pytest.approx(10 / 0.3, abs=0.1)
    bounds.share(1.0)
    began = time_passes.now
    for _ in range(10):
        bounds.wait(*NAT)
    assert time_passes.now - began == pytest.approx(10 / 0.9, abs=0.1)


def test_what_a_change_waits_for_goes_first_from_then_on() -> None:
    """Requests of a look that is under way wait for their turn when its app is changed."""
    bounds, order, changed = Rates(), list[str](), set[str]()

    def ask(app: str) -> None:
        rates.app.set(app)
        rates.urgent.set(lambda: app in changed)
        bounds.wait(*NAT)
        order.append(app)

    def begin(app: str) -> threading.Thread:
        thread = threading.Thread(target=contextvars.Context().run, args=(ask, app), daemon=True)
        thread.start()
        return thread

    for _ in range(9):
        bounds.wait(*NAT)
    # About a second until the first of them may go.
    threads = [begin(f"default/{name}") for name in ("one", "two", "changed")]
    changed.add("default/changed")
    bounds.hasten()
    threads.append(begin("default/changed"))
    for thread in threads:
        thread.join(30.0)
    assert order[:2] == ["default/changed"] * 2

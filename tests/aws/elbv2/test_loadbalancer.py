"""Load balancer and listener: their owner, what differs, and the calls that change them."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws.elbv2.listener import Listener, forwards_to, weights_in
from missyou_operator.aws.elbv2.loadbalancer import LoadBalancer
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed
from tests.aws.fake import STACK, FakeEc2, aws_error, cloud_of, reader_of, row_tags, tags

ARN = STACK.arn("elasticloadbalancing", "loadbalancer/app/missyou-alb/0123456789abcdef")
GROUP = STACK.arn("elasticloadbalancing", "targetgroup/missyou-tg-1234/1")
LISTENER = ARN.replace(":loadbalancer/", ":listener/") + "/fedcba"


def balancer_row(state: str = "active", name: str = "missyou-alb") -> dict[str, Any]:
    return {
        "LoadBalancerArn": ARN,
        "LoadBalancerName": name,
        "DNSName": "missyou-alb-1.eu-central-1.elb.amazonaws.com",
        "CanonicalHostedZoneId": "Z1",
        "State": {"Code": state, "Reason": "no room"},
        "AvailabilityZones": [{"SubnetId": "subnet-b"}, {"SubnetId": "subnet-a"}],
        "SecurityGroups": ["sg-1"],
    }


def aws(**changes: Any) -> FakeEc2:
    attributes = {
        "deletion_protection.enabled": "true",
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "load_balancing.cross_zone.enabled": "true",
    }
    answers: dict[str, Any] = {
        "describe_load_balancers": {"LoadBalancers": [balancer_row("active", "else"), balancer_row()]},
        "describe_load_balancer_attributes": {"Attributes": [{"Key": k, "Value": v} for k, v in attributes.items()]},
        "describe_tags": {"TagDescriptions": [{"ResourceArn": ARN, "Tags": row_tags("missyou-alb")}]},
    }
    return FakeEc2(**answers | changes)


def balancer(**changes: Any) -> LoadBalancer:
    fields: dict[str, Any] = {
        "scheme": "internet-facing",
        "subnet_ids": ("subnet-a", "subnet-b"),
        "security_group_ids": ("sg-1",),
        "deletion_protection": True,
    }
    return LoadBalancer(name="missyou-alb", component="Network", tags=tags("missyou-alb"), **fields | changes)


def found(client: FakeEc2 | None = None) -> Observed:
    [observed] = LoadBalancer.read(reader_of(cloud_of(client or aws())))
    return observed


def test_it_is_found_by_its_name_and_reads_back_without_a_difference() -> None:
    observed = found()
    assert balancer().diff(observed) == ()
    assert observed.owned
    assert observed.attrs["arn_suffix"] == "app/missyou-alb/0123456789abcdef"
    assert (observed.attrs["zone_id"], observed.attrs["cross_zone"]) == ("Z1", True)


def test_a_namesake_without_our_tags_is_not_ours() -> None:
    assert not found(aws(describe_tags={"TagDescriptions": [{"ResourceArn": ARN, "Tags": []}]})).owned


def test_attributes_that_aws_leaves_out_have_its_defaults() -> None:
    observed = found(aws(describe_load_balancer_attributes={"Attributes": []}))
    assert [change.field for change in balancer().diff(observed)] == ["deletion_protection", "drop_invalid_headers"]


def test_without_a_load_balancer_no_details_are_read() -> None:
    client = aws(describe_load_balancers={"LoadBalancers": [balancer_row("active", "else")]})
    assert LoadBalancer.read(reader_of(cloud_of(client))) == []
    assert client.operations == ["describe_load_balancers"]


def test_health() -> None:
    def health(state: str) -> Any:
        return balancer().health(found(aws(describe_load_balancers={"LoadBalancers": [balancer_row(state)]})))

    assert health("active").status == "ready"
    assert (health("provisioning").status, health("provisioning").typical_seconds) == ("pending", 150.0)
    assert health("failed").stalled
    assert "no room" in health("failed").message


def test_creating_takes_two_calls() -> None:
    row = balancer_row("provisioning")
    client = FakeEc2(create_load_balancer={"LoadBalancers": [row]})
    created = balancer().create(cloud_of(client))
    assert client.operations == ["create_load_balancer", "modify_load_balancer_attributes"]
    assert client.arguments("create_load_balancer")["Tags"] == row_tags("missyou-alb")
    assert (created.id, created.state, created.attrs["dns_name"]) == (ARN, "provisioning", row["DNSName"])
    assert balancer().diff(created) == ()


def test_a_name_that_is_taken_is_read_again() -> None:
    client = FakeEc2(create_load_balancer=aws_error("DuplicateLoadBalancerName"))
    with pytest.raises(NotYetError):
        balancer().create(cloud_of(client))


def test_each_change_has_its_call() -> None:
    client = FakeEc2()
    desired = balancer(subnet_ids=("subnet-c",), security_group_ids=("sg-2",), deletion_protection=False)
    changed = frozenset(change.field for change in desired.diff(found()))
    after = desired.update(cloud_of(client), found(), changed)
    assert client.operations == ["set_subnets", "set_security_groups", "modify_load_balancer_attributes"]
    assert desired.diff(after) == ()


def test_deleting_disables_the_protection_first() -> None:
    client = FakeEc2()
    assert LoadBalancer.delete(cloud_of(client), found()).status == "ready"
    assert client.operations == ["modify_load_balancer_attributes", "delete_load_balancer"]
    gone = FakeEc2(modify_load_balancer_attributes=aws_error("LoadBalancerNotFound"))
    assert LoadBalancer.delete(cloud_of(gone), found()).status == "ready"


# The listener


def listener(**changes: Any) -> Listener:
    fields: dict[str, Any] = {"load_balancer_arn": ARN, "port": 80, "target_group_arn": GROUP}
    return Listener(name="missyou-http", component="Network", tags=tags("missyou-http"), **fields | changes)


def read_listeners(*rows: dict[str, Any]) -> list[Observed]:
    described = [{"ListenerArn": LISTENER, "LoadBalancerArn": ARN, "Port": 80, **row} for row in rows]
    tagged = {"TagDescriptions": [{"ResourceArn": LISTENER, "Tags": row_tags("missyou-http")}]}
    rules = {"Rules": [{"RuleArn": "rule", "IsDefault": True}]}
    client = FakeEc2(describe_listeners={"Listeners": described}, describe_tags=tagged, describe_rules=rules)
    return list(Listener.read(reader_of(cloud_of(client), {"elbv2.LoadBalancer": [found()]})))


def as_aws_shows(group: str) -> list[dict[str, Any]]:
    config = {
        "TargetGroups": [{"TargetGroupArn": group, "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": False},
    }
    return [{"Type": "forward", "TargetGroupArn": group, "Order": 1, "ForwardConfig": config}]


def test_a_listener_reads_back_without_a_difference() -> None:
    [observed] = read_listeners({"DefaultActions": as_aws_shows(GROUP)})
    assert listener().diff(observed) == ()


def test_names_follow_ports() -> None:
    rows = [{"Port": port, "DefaultActions": []} for port in (80, 443, 8080)]
    assert [each.name for each in read_listeners(*rows)] == ["missyou-http", "missyou-https", "missyou-listener-8080"]


def weighted(weights: dict[str, int]) -> dict[str, Any]:
    groups = [{"TargetGroupArn": group, "Weight": weight} for group, weight in weights.items()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


@pytest.mark.parametrize(
    ("actions", "group", "standby"),
    [
        (as_aws_shows(GROUP), GROUP, ()),
        ([{"Type": "forward", "TargetGroupArn": GROUP}], GROUP, ()),
        ([weighted({"a": 1, "b": 1})], "", ()),
        ([weighted({GROUP: 1, "b": 0, "a": 0})], GROUP, ("a", "b")),
        ([weighted({"a": 0, "b": 0})], "", ("a", "b")),
        ([weighted({GROUP: 0})], GROUP, ()),
        ([{"Type": "redirect"}], "", ()),
        ([{"Type": "authenticate-oidc"}, *as_aws_shows(GROUP)], "", ()),
        ([], "", ()),
    ],
)
def test_where_a_listener_forwards_to(actions: list[dict[str, Any]], group: str, standby: tuple[str, ...]) -> None:
    assert forwards_to(weights_in(actions)) == (group, standby)


def test_a_group_in_standby_is_known_to_the_listener_and_gets_no_requests() -> None:
    rules = {"Rules": [{"RuleArn": "rule", "IsDefault": True}]}
    client = FakeEc2(create_listener={"Listeners": [{"ListenerArn": "l"}]}, describe_rules=rules)
    listener(standby=("other",)).create(cloud_of(client))
    assert client.arguments("create_listener")["DefaultActions"] == [weighted({GROUP: 1, "other": 0})]
    [observed] = read_listeners({"DefaultActions": [weighted({GROUP: 1, "other": 0})]})
    assert listener(standby=("other",)).diff(observed) == ()
    assert [change.field for change in listener().diff(observed)] == ["standby"]


def test_a_listener_is_created_and_changed_with_one_call_each() -> None:
    client = FakeEc2(create_listener={"Listeners": [{"ListenerArn": LISTENER}]})
    created = listener().create(cloud_of(client))
    assert listener().diff(created) == ()
    desired = listener(target_group_arn="other")
    after = desired.update(cloud_of(client), created, frozenset({"target_group_arn"}))
    assert client.operations == ["create_listener", "modify_listener"]
    assert desired.diff(after) == ()


def test_without_a_load_balancer_no_listeners_are_read() -> None:
    client = FakeEc2()
    assert Listener.read(reader_of(cloud_of(client))) == []
    assert client.calls == []

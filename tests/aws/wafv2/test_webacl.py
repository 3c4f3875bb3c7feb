"""A web ACL lives its life on the test AWS: its token, its tags, and what somebody else set on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import classify
from missyou_operator.aws.wafv2.webacl import WebACL
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed
from tests.aws.live import apply, changed, client, live, neighbour, observe, read, tags


def acl(cloud: Cloud, rate_limit: int = 2000) -> WebACL:
    name = f"{cloud.stack.name}-waf"
    groups = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet")
    return WebACL(name=name, component="WAF", tags=tags(cloud, name, "WAF"), groups=groups, rate_limit=rate_limit)


def touched(cloud: Cloud, observed: Observed) -> None:
    """Change something of it that is not ours to declare, as somebody else would."""
    waf, wanted = client("wafv2"), acl(cloud)
    token = waf.get_web_acl(Name=observed.name, Id=observed.id, Scope="REGIONAL")["LockToken"]
    waf.update_web_acl(
        Name=observed.name,
        Id=observed.id,
        Scope="REGIONAL",
        LockToken=token,
        DefaultAction=wanted.default_action,
        VisibilityConfig=wanted.visibility,
        Rules=list(wanted.rules),
        TokenDomains=["example.com"],
    )


def test_what_was_created_is_found_as_desired() -> None:
    cloud = live()
    wanted = acl(cloud)
    made = wanted.create(cloud)
    found = observe(wanted, cloud)
    assert wanted.diff(found) == wanted.diff(made) == ()
    assert (found.id, found.attrs["arn"], found.attrs["lock_token"]) == (
        made.id,
        made.attrs["arn"],
        made.attrs["lock_token"],
    )
    assert found.owned


def test_the_order_in_which_aws_lists_the_rules_is_no_difference() -> None:
    cloud = live()
    wanted = acl(cloud)
    found = wanted.create(cloud)
    waf = client("wafv2")
    waf.update_web_acl(
        Name=found.name,
        Id=found.id,
        Scope="REGIONAL",
        LockToken=found.attrs["lock_token"],
        DefaultAction=wanted.default_action,
        VisibilityConfig=wanted.visibility,
        Rules=list(reversed(wanted.rules)),
    )
    assert wanted.diff(observe(wanted, cloud)) == ()


def test_another_limit_is_set_and_what_others_set_stays() -> None:
    cloud = live()
    touched(cloud, acl(cloud).create(cloud))
    wanted = acl(cloud, rate_limit=100)
    assert changed(wanted, observe(wanted, cloud)) == {"rules"}
    found = apply(wanted, cloud)
    assert wanted.diff(found) == ()
    assert found.attrs["left_alone"] == {"TokenDomains": ["example.com"]}


@pytest.mark.parametrize(
    "work",
    [
        lambda cloud, found: acl(cloud, rate_limit=100).update(cloud, found, frozenset({"rules"})),
        WebACL.delete,
    ],
)
def test_what_somebody_changed_since_it_was_read_is_read_again_first(work: Callable[[Cloud, Observed], object]) -> None:
    cloud = live()
    found = acl(cloud).create(cloud)
    touched(cloud, found)
    with pytest.raises(ClientError, match="WAFOptimisticLockException") as refusal:
        work(cloud, found)
    assert classify(refusal.value).status == "pending"
    assert WebACL.delete(cloud, observe(acl(cloud), cloud)).status == "ready"


def test_a_token_is_good_for_the_next_change() -> None:
    cloud = live()
    found = acl(cloud).create(cloud)
    for limit in (100, 200):
        found = acl(cloud, limit).update(cloud, found, frozenset({"rules"}))
    assert acl(cloud, 200).diff(observe(acl(cloud), cloud)) == ()


def test_a_namesake_is_not_ours_and_is_not_read_further() -> None:
    cloud = live()
    acl(neighbour(cloud)).create(neighbour(cloud))
    [found] = read(WebACL, cloud)
    assert (found.owned, "rules" in found.attrs) == (False, False)
    with pytest.raises(NotYetError):
        acl(cloud).create(cloud)


def test_a_new_stack_does_not_look_for_one() -> None:
    cloud = live()
    acl(cloud).create(cloud)
    assert read(WebACL, cloud, {"ec2.Vpc": []}, wanted=[f"{cloud.stack.name}-waf"]) == []


def test_more_than_a_page_of_them_are_read() -> None:
    cloud = live()
    for number in range(101):
        replace(acl(cloud), name=f"{cloud.stack.name}-{number}", groups=()).create(cloud)
    acl(cloud).create(cloud)
    assert observe(acl(cloud), cloud).owned


def test_deleting_twice_is_fine() -> None:
    cloud = live()
    found = acl(cloud).create(cloud)
    for _ in range(2):
        assert WebACL.delete(cloud, found).status == "ready"
    assert read(WebACL, cloud) == []

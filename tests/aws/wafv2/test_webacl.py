"""The life cycle of a web ACL on the test AWS: its token, its tags, and foreign settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import classify
from missyou_operator.aws.wafv2.association import WebACLAssociation
from missyou_operator.aws.wafv2.webacl import LEFT_ALONE, WebACL
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed
from tests.aws.live import apply, changed, client, live, neighbour, observe, read, tags


def acl(cloud: Cloud, rate_limit: int = 2000) -> WebACL:
    name = f"{cloud.stack.name}-waf"
    groups = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet")
    return WebACL(name=name, component="WAF", tags=tags(cloud, name, "WAF"), groups=groups, rate_limit=rate_limit)


def touched(cloud: Cloud, observed: Observed) -> None:
    """Change a setting that we do not declare, as a foreign tool would."""
    waf, desired = client("wafv2"), acl(cloud)
    token = waf.get_web_acl(Name=observed.name, Id=observed.id, Scope="REGIONAL")["LockToken"]
    waf.update_web_acl(
        Name=observed.name,
        Id=observed.id,
        Scope="REGIONAL",
        LockToken=token,
        DefaultAction=desired.default_action,
        VisibilityConfig=desired.visibility,
        Rules=list(desired.rules),
        TokenDomains=["example.com"],
    )


def test_what_was_created_is_found_as_desired() -> None:
    cloud = live()
    desired = acl(cloud)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert (found.id, found.attrs["arn"], found.attrs["lock_token"]) == (
        created.id,
        created.attrs["arn"],
        created.attrs["lock_token"],
    )
    assert found.owned


def test_the_order_in_which_aws_lists_the_rules_is_no_difference() -> None:
    cloud = live()
    desired = acl(cloud)
    found = desired.create(cloud)
    waf = client("wafv2")
    waf.update_web_acl(
        Name=found.name,
        Id=found.id,
        Scope="REGIONAL",
        LockToken=found.attrs["lock_token"],
        DefaultAction=desired.default_action,
        VisibilityConfig=desired.visibility,
        Rules=list(reversed(desired.rules)),
    )
    assert desired.diff(observe(desired, cloud)) == ()


def test_another_limit_is_set_and_foreign_settings_stay() -> None:
    cloud = live()
    touched(cloud, acl(cloud).create(cloud))
    desired = acl(cloud, rate_limit=100)
    assert changed(desired, observe(desired, cloud)) == {"rules"}
    found = apply(desired, cloud)
    assert desired.diff(found) == ()
    assert found.attrs["left_alone"] == {"TokenDomains": ["example.com"]}


@pytest.mark.parametrize(
    "work",
    [
        lambda cloud, found: acl(cloud, rate_limit=100).update(cloud, found, frozenset({"rules"})),
        WebACL.delete,
    ],
)
def test_a_change_since_the_last_read_causes_another_read_first(work: Callable[[Cloud, Observed], object]) -> None:
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


def test_a_new_stack_reads_none() -> None:
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


def test_the_policy_lets_a_foreign_web_acl_in_front_be_seen() -> None:
    """GetWebACLForResource checks the right to read what it finds: API reference, GetWebACLForResource."""
    for action in ("wafv2:GetWebACLForResource", "wafv2:GetWebACL"):
        granted = [
            resource for each in WebACLAssociation.PERMISSIONS if action in each.actions for resource in each.resources
        ]
        assert "wafv2:regional/webacl/*/*" in granted


def test_every_setting_that_an_update_would_reset_is_sent_back() -> None:
    cloud = live()
    asked = cloud.client("wafv2").meta.service_model.operation_model("UpdateWebACL").input_shape.members
    ours = {"Name", "Id", "Scope", "LockToken", "Rules", "DefaultAction", "VisibilityConfig"}
    assert {*asked} - ours == {*LEFT_ALONE}

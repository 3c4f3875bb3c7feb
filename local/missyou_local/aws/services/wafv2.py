"""WAF: web ACLs, their rules, and their association with one active load balancer each.

Sources: AWS WAF API reference, CreateWebACL, AssociateWebACL and Rule; developer guide, "AWS Managed Rules rule groups
list" and "Rate-based rule high-level settings".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, advances, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.elbv2.load_balancers import is_active

_GROUPS = frozenset(
    f"AWSManagedRules{name}"
    for name in (
        *("ACFPRuleSet", "ATPRuleSet", "AdminProtectionRuleSet", "AmazonIpReputationList", "AnonymousIpList"),
        *("AntiDDoSRuleSet", "BotControlRuleSet", "CommonRuleSet", "KnownBadInputsRuleSet", "LinuxRuleSet"),
        *("PHPRuleSet", "SQLiRuleSet", "UnixRuleSet", "WindowsRuleSet", "WordPressRuleSet"),
    )
)
_WINDOWS = (60, 120, 300, 600)

_known_at: Regional[dict[str, float]] = Regional(dict)
"""When a web ACL (its ARN) can be associated."""


@advances("wafv2")
def advance(call: Call) -> None:
    """End the associations of load balancers that are gone."""
    balancers = call.moto("elbv2").load_balancers
    for acl in _acls(call):
        acl.associated_resources[:] = [
            arn for arn in acl.associated_resources if ":loadbalancer/" not in arn or arn in balancers
        ]


@checks("wafv2:CreateWebACL")
def name_is_free(call: Call) -> None:
    """Refuse a known name, with AWS's code (moto has another)."""
    if any(acl.name == call.params["Name"] for acl in _acls(call)):
        message = "AWS WAF couldn't perform the operation because some resource in your request is a duplicate"
        raise AwsError("WAFDuplicateItemException", message)


@checks("wafv2:CreateWebACL", "wafv2:UpdateWebACL")
def rules_make_sense(call: Call) -> None:
    """Refuse rules of the same name or priority, groups that AWS does not have, and windows that cannot be."""
    rules: Sequence[Mapping[str, Any]] = call.params.get("Rules", [])
    for key in ("Name", "Priority"):
        if len({rule[key] for rule in rules}) < len(rules):
            raise _invalid(f"field: RULE, parameter: {key}: two rules have the same {key.lower()}")
    for rule in rules:
        _check(rule)


def _check(rule: Mapping[str, Any]) -> None:
    group = rule["Statement"].get("ManagedRuleGroupStatement")
    refers = group or "RuleGroupReferenceStatement" in rule["Statement"]
    if ("OverrideAction" if refers else "Action") not in rule:
        raise _invalid("field: RULE_ACTION: a rule has an Action, one that refers to a group an OverrideAction")
    if group and group["VendorName"] == "AWS" and group["Name"] not in _GROUPS:
        raise AwsError("WAFNonexistentItemException", f"There is no managed rule group {group['Name']}")
    rate = rule["Statement"].get("RateBasedStatement")
    if rate and rate.get("EvaluationWindowSec", 300) not in _WINDOWS:
        raise _invalid(f"field: RATE_BASED_STATEMENT, parameter: {rate['EvaluationWindowSec']}")


def _invalid(message: str) -> AwsError:
    return AwsError("WAFInvalidParameterException", f"Error reason: Your statement is not valid, {message}")


@handles("wafv2:CreateWebACL")
def create_web_acl(call: Call) -> Result:
    """Create a web ACL. It cannot be associated at once."""
    result = call.forward()
    _known_at.of(call)[result["Summary"]["ARN"]] = call.now + call.timing.web_acl
    return result


@checks("wafv2:DeleteWebACL")
def acl_is_unused(call: Call) -> None:
    """Refuse while a resource is associated."""
    if any(acl.id == call.params["Id"] and acl.associated_resources for acl in _acls(call)):
        message = "AWS WAF couldn't perform the operation because your resource is being used by another resource"
        raise AwsError("WAFAssociatedItemException", message)


@checks("wafv2:DisassociateWebACL")
def resource_exists(call: Call) -> None:
    """Refuse a load balancer that does not exist."""
    resource = call.params["ResourceArn"]
    if resource not in call.moto("elbv2").load_balancers:
        raise AwsError("WAFNonexistentItemException", f"The resource {resource} doesn't exist")


@handles("wafv2:AssociateWebACL")
def associate_web_acl(call: Call) -> Result:
    """Associate an active load balancer in place of its former web ACL; either may be too new."""
    resource = call.params["ResourceArn"]
    if resource not in call.moto("elbv2").load_balancers:
        raise AwsError("WAFNonexistentItemException", f"The resource {resource} doesn't exist")
    known_at = _known_at.of(call).get(call.params["WebACLArn"], 0.0)
    if not is_active(call, resource) or known_at > call.now:
        message = f"AWS WAF couldn't retrieve the resource {resource} that you requested. Retry your request."
        raise AwsError("WAFUnavailableEntityException", message)
    result = call.forward()
    for acl in _acls(call):
        keeps = acl.arn == call.params["WebACLArn"]
        others = [arn for arn in acl.associated_resources if arn != resource]
        acl.associated_resources[:] = [*others, resource] if keeps else others
    return result


@handles("wafv2:ListResourcesForWebACL")
def list_resources_for_web_acl(call: Call) -> Result:
    """List the resources of a web ACL, which moto cannot."""
    for acl in _acls(call):
        if acl.arn == call.params["WebACLArn"]:
            return {"ResourceArns": list(acl.associated_resources)}
    raise AwsError("WAFNonexistentItemException", f"The web ACL {call.params['WebACLArn']} doesn't exist")


def _acls(call: Call) -> list[Any]:
    return list(call.moto("wafv2").wacls.values())

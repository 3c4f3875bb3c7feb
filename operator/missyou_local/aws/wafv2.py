"""WAF: one web ACL for a load balancer, which has to be active; an associated one stays."""

from __future__ import annotations

from typing import Any

from missyou_local.aws.call import Call, Result, checks, plays, settles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.loadbalancer import is_active


@settles("wafv2")
def settle(call: Call) -> None:
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


@checks("wafv2:DeleteWebACL")
def acl_is_unused(call: Call) -> None:
    """Refuse while a resource is associated."""
    if any(acl.id == call.params["Id"] and acl.associated_resources for acl in _acls(call)):
        message = "AWS WAF couldn't perform the operation because your resource is being used by another resource"
        raise AwsError("WAFAssociatedItemException", message)


@plays("wafv2:AssociateWebACL")
def associate_web_acl(call: Call) -> Result:
    """Associate a load balancer that is active, instead of with the web ACL that it had."""
    resource = call.params["ResourceArn"]
    if resource not in call.moto("elbv2").load_balancers:
        raise AwsError("WAFNonexistentItemException", f"The resource {resource} doesn't exist")
    if not is_active(call, resource):
        message = f"AWS WAF couldn't retrieve the resource {resource} that you requested. Retry your request."
        raise AwsError("WAFUnavailableEntityException", message)
    result = call.forward()
    for acl in _acls(call):
        keeps = acl.arn == call.params["WebACLArn"]
        others = [arn for arn in acl.associated_resources if arn != resource]
        acl.associated_resources[:] = [*others, resource] if keeps else others
    return result


@plays("wafv2:ListResourcesForWebACL")
def list_resources_for_web_acl(call: Call) -> Result:
    """List the resources of a web ACL, which moto cannot."""
    for acl in _acls(call):
        if acl.arn == call.params["WebACLArn"]:
            return {"ResourceArns": list(acl.associated_resources)}
    raise AwsError("WAFNonexistentItemException", f"The web ACL {call.params['WebACLArn']} doesn't exist")


def _acls(call: Call) -> list[Any]:
    return list(call.moto("wafv2").wacls.values())

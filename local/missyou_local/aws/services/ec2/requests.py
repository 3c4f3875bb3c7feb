"""What EC2 checks in any request before it looks at resources: client tokens, tags, attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError

TAGGABLE = {
    "ec2:CreateVpc": "vpc",
    "ec2:CreateSubnet": "subnet",
    "ec2:CreateInternetGateway": "internet-gateway",
    "ec2:AllocateAddress": "elastic-ip",
    "ec2:CreateNatGateway": "natgateway",
    "ec2:CreateRouteTable": "route-table",
    "ec2:CreateSecurityGroup": "security-group",
    "ec2:CreateVpcEndpoint": "vpc-endpoint",
    "ec2:CreateFlowLogs": "vpc-flow-log",
}
"""Operation -> the only kind of resource that its TagSpecifications may name."""


@checks("ec2:CreateTags")
def tag_keys(call: Call) -> None:
    """Refuse AWS's own keys, and texts that are too long."""
    for tag in call.params.get("Tags", []):
        _check_tag(tag)


@checks(*TAGGABLE)
def tags_at_creation(call: Call) -> None:
    """Refuse malformed tags, and tags for another type of resource."""
    for specification in call.params.get("TagSpecifications", []):
        kind = specification.get("ResourceType")
        if kind != TAGGABLE[f"ec2:{call.operation}"]:
            message = f"'{kind}' is not a valid taggable resource type for this operation."
            raise AwsError("InvalidParameterValue", message)
        for tag in specification.get("Tags", []):
            _check_tag(tag)


def _check_tag(tag: Mapping[str, Any]) -> None:
    """Check a tag; the lengths are those of the EC2 guide, "Tag restrictions"."""
    key, text = tag["Key"], tag.get("Value", "")
    if key.lower().startswith("aws:"):
        message = f"Tag keys starting with 'aws:' are reserved for internal use: {key}"
        raise AwsError("InvalidParameterValue", message)
    if not 1 <= len(key) <= 128:
        raise AwsError("InvalidParameterValue", f"Tag key exceeds the maximum length of 128 characters: {key}")
    if len(text) > 256:
        raise AwsError("InvalidParameterValue", f"Tag value of {key} exceeds the maximum length of 256 characters")


@checks("ec2:ModifyVpcAttribute", "ec2:ModifySubnetAttribute")
def one_attribute(call: Call) -> None:
    """Refuse several attributes in one call."""
    given = sorted(key for key in call.params if key not in ("VpcId", "SubnetId"))
    if len(given) > 1:
        message = f"Fields for multiple attribute types specified: {', '.join(given)}"
        raise AwsError("InvalidParameterCombination", message)


@checks("ec2:ModifyVpcAttribute")
def names_need_resolution(call: Call) -> None:
    """Refuse DNS host names for a VPC without DNS support."""
    vpc = call.moto("ec2").vpcs.get(call.params["VpcId"])
    if vpc is None:
        return
    if call.params.get("EnableDnsHostnames", {}).get("Value") and not vpc.enable_dns_support:
        message = "DNS hostnames can be enabled only if DNS support is enabled"
        raise AwsError("InvalidParameterCombination", message)


#: Client token -> the id of what it made, and the parameters.
Tokens = dict[str, tuple[str, Mapping[str, Any]]]


def made_by_token(call: Call, tokens: Mapping[str, tuple[str, Mapping[str, Any]]]) -> str:
    """Return the id of what the call's client token made, "" if nothing. Error: AwsError for other parameters."""
    token = call.params.get("ClientToken")
    id_, params = tokens.get(token, ("", call.params)) if token else ("", call.params)
    if params != call.params:
        raise AwsError("IdempotentParameterMismatch", f"The client token {token} was used with other parameters")
    return id_

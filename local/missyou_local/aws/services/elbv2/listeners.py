"""Refusals of listeners and their certificates that moto lacks, and mutual authentication.

Source: Elastic Load Balancing API reference, MutualAuthenticationAttributes: an HTTPS listener shows its mode, `off` at
first, and keeps it through changes of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.elbv2.models import FakeAction

from missyou_local.aws.call import Call, Regional, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services import acm
from missyou_local.aws.services.elbv2.load_balancers import users_of

_mutual: Regional[dict[str, dict[str, Any]]] = Regional(dict)
"""ARN of a listener -> its mutual authentication, where somebody has set it."""


def weights_of(call: Call, rule: str) -> dict[str, float]:
    """Return the target groups that a listener's rule (ARN) forwards to, with their weights; {} if there is none."""
    found = rule_of(call, rule)
    for action in found.actions if found is not None else ():
        if action.data["Type"] == "forward":
            rows = action.data.get("ForwardConfig", {}).get("TargetGroups") or [action.data]
            return {row["TargetGroupArn"]: float(row.get("Weight", 1)) for row in rows}
    return {}


def shift(call: Call, rule: str, weights: Mapping[str, float]) -> None:
    """Set the weights of a rule's target groups, which ECS does with the role that it was given. No rule: nothing."""
    found = rule_of(call, rule)
    if found is None:
        return
    groups = [{"TargetGroupArn": arn, "Weight": round(weight)} for arn, weight in weights.items()]
    actions = [FakeAction({"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": groups}})]
    found.actions = actions
    if found.is_default:
        listener_of(call, rule).default_actions = actions


def rule_of(call: Call, rule: str) -> Any:
    """Return moto's rule of an ARN, None if there is none."""
    listener = listener_of(call, rule)
    return next((each for each in listener.rules.values() if each.arn == rule), None) if listener else None


def listener_of(call: Call, rule: str) -> Any:
    """Return moto's listener of a rule's ARN, None if there is none."""
    arn = rule.replace(":listener-rule/", ":listener/").rpartition("/")[0]
    for balancer in call.moto("elbv2").load_balancers.values():
        if arn in balancer.listeners:
            return balancer.listeners[arn]
    return None


@handles("elbv2:ModifyListener")
def modify_listener(call: Call) -> Result:
    """Change a listener, and remember its mutual authentication."""
    result = call.forward()
    if "MutualAuthentication" in call.params:
        _mutual.of(call)[call.params["ListenerArn"]] = dict(call.params["MutualAuthentication"])
    return {**result, "Listeners": [_shown(call, row) for row in result["Listeners"]]}


@handles("elbv2:DescribeListeners")
def describe_listeners(call: Call) -> Result:
    """Describe listeners with their mutual authentication."""
    result = call.forward()
    return {**result, "Listeners": [_shown(call, row) for row in result["Listeners"]]}


def _shown(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    if row["Protocol"] != "HTTPS":
        return row
    return {**row, "MutualAuthentication": _mutual.of(call).get(row["ListenerArn"], {"Mode": "off"})}


@checks("elbv2:CreateListener", "elbv2:ModifyListener", "elbv2:AddListenerCertificates")
def certificates_are_issued(call: Call) -> None:
    """Refuse certificates of ACM that are unknown or not issued."""
    for certificate in call.params.get("Certificates", []):
        arn = certificate.get("CertificateArn", "")
        if not arn.startswith("arn:aws:acm:"):
            continue
        status = acm.status_of(call, arn)
        if status is None:
            raise AwsError("CertificateNotFound", f"Certificate '{arn}' not found")
        if status != "ISSUED":
            raise AwsError(
                "UnsupportedCertificate",
                f"The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a "
                "supported key size.",
            )


@checks("elbv2:CreateListener", "elbv2:ModifyListener")
def port_and_policy_exist(call: Call) -> None:
    """Refuse ports and TLS policies that do not exist."""
    port, policy = call.params.get("Port"), call.params.get("SslPolicy")
    if port is not None and not 1 <= int(port) <= 65_535:
        raise AwsError("ValidationError", f"Port '{port}' must be between 1 and 65535")
    if policy is not None:
        known = call.ask("DescribeSSLPolicies", {})["SslPolicies"]
        if policy not in [entry["Name"] for entry in known]:
            raise AwsError("SSLPolicyNotFound", f"SSL policy '{policy}' not found")


@checks("elbv2:ModifyListener")
def port_is_free(call: Call) -> None:
    """Refuse to move a listener to the port of another one."""
    arn, port = call.params["ListenerArn"], call.params.get("Port")
    if port is None:
        return
    for balancer in call.moto("elbv2").load_balancers.values():
        others = [listener for key, listener in balancer.listeners.items() if key != arn]
        if arn in balancer.listeners and any(int(listener.port) == int(port) for listener in others):
            raise AwsError("DuplicateListener", "A listener already exists on this port for this load balancer")


@checks("elbv2:CreateListener", "elbv2:CreateRule", "elbv2:ModifyListener", "elbv2:ModifyRule")
def group_has_one_balancer(call: Call) -> None:
    """Refuse a target group that another load balancer forwards to."""
    balancer = _balancer(call)
    elb = call.moto("elbv2")
    for group in _groups(call.params):
        if balancer is not None and any(user != balancer for user in users_of(elb, group)):
            raise AwsError(
                "TargetGroupAssociationLimit",
                f"The following target groups cannot be associated with more than one load balancer: {group}",
            )


def _balancer(call: Call) -> str | None:
    """Return the ARN of the load balancer that the call is about."""
    if "LoadBalancerArn" in call.params:
        return str(call.params["LoadBalancerArn"])
    listener = call.params.get("ListenerArn")
    for arn, balancer in call.moto("elbv2").load_balancers.items():
        rules = [rule for known in balancer.listeners.values() for rule in known.rules]
        if listener in balancer.listeners or call.params.get("RuleArn") in rules:
            return str(arn)
    return None


def _groups(params: Mapping[str, Any]) -> Iterator[str]:
    for action in (*params.get("DefaultActions", []), *params.get("Actions", [])):
        if "TargetGroupArn" in action:
            yield action["TargetGroupArn"]
        for entry in action.get("ForwardConfig", {}).get("TargetGroups", []):
            yield entry["TargetGroupArn"]

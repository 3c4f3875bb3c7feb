"""The actions of the policy are those that the operator's requests need: none is missing, none is idle."""

from __future__ import annotations

import pytest

from missyou_operator.aws.iam_policy import declared
from missyou_operator.stack.naming import NAMES

from .life import Lived

#: Whichever test is the first waits for the life, on a busy machine some minutes.
pytestmark = pytest.mark.timeout(600)
#: What everybody may do, whatever a policy says. Source: STS API reference, GetCallerIdentity.
FREE = {"sts:GetCallerIdentity"}


def declared_actions() -> set[str]:
    return {action for grant in declared(NAMES) for action in grant.actions}


def implied_actions() -> set[str]:
    """Return the actions that no request names, but AWS checks."""
    return declared_actions() - {action for grant in declared(NAMES) if not grant.implied for action in grant.actions}


def test_a_production_stack_lives_its_full_life_on_the_actions_of_the_policy(lived: Lived) -> None:
    assert lived.denied == ()
    assert lived.requests > 1000


def test_who_has_no_policy_is_turned_away(lived: Lived) -> None:
    assert lived.turned_away == "AccessDenied"


def test_each_action_that_is_asked_for_is_declared(lived: Lived) -> None:
    assert lived.actions - FREE <= declared_actions()


def test_each_action_that_is_declared_is_asked_for(lived: Lived) -> None:
    """Apart from those that AWS checks although the request is for something else: they say why."""
    assert declared_actions() - lived.actions == implied_actions()
    assert implied_actions() == {
        "ec2:DescribeAccountAttributes",
        "ec2:GetSecurityGroupsForVpc",
        "elasticloadbalancing:CreateWebACLAssociation",
        "elasticloadbalancing:DeleteWebACLAssociation",
        "elasticloadbalancing:GetLoadBalancerWebACL",
        "elasticloadbalancing:SetWebAcl",
        "iam:CreateServiceLinkedRole",
        "iam:PassRole",
        "route53:AssociateVPCWithHostedZone",
        "s3:DeleteObjectVersion",
        "s3:TagResource",
    }

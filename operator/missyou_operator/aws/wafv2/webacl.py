"""The web ACL in front of the load balancer. Source: AWS WAF API reference and developer guide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Client, Cloud
from missyou_operator.aws.errors import code_of, gone
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import SLOW, TAGS, Source
from missyou_operator.aws.permissions import Grant, Part, change, make, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.tags import retag
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import Health, Observed, Resource, pending

#: For load balancers; the other scope is CloudFront's.
_SCOPE = "REGIONAL"
#: Seconds over which requests are counted for the rate limit: AWS's default.
_WINDOW = 300
#: Foreign settings that GetWebACL shows, and that UpdateWebACL would reset if they were left out.
LEFT_ALONE = (
    "ApplicationConfig",
    "AssociationConfig",
    "CaptchaConfig",
    "ChallengeConfig",
    "CustomResponseBodies",
    "DataProtectionConfig",
    "Description",
    "MonetizationConfig",
    "OnSourceDDoSProtectionConfig",
    "TokenDomains",
)
#: What Shield Advanced calls the rule that it adds to a web ACL to mitigate attacks. It keeps the rule there itself.
#: Source: AWS WAF developer guide, "Automatic application layer DDoS mitigation and the Shield Advanced rule group".
_SHIELD = "ShieldMitigationRuleGroup_"
ACL = "wafv2:regional/webacl/{wafv2.WebACL}/*"
#: AWS's managed rule groups, which have no owner tags.
_MANAGED = "wafv2:regional/managedruleset/*/*"


@dataclass(frozen=True, kw_only=True)
class WebACL(Resource):
    """A web ACL that allows requests unless a rule blocks them, with metrics and samples of each rule.

    `groups` are rule groups that AWS manages, in order of evaluation. `rate_limit` is the number of requests that an
    address may make in five minutes. An address above it is blocked until it makes fewer.
    """

    TYPE: ClassVar[str] = "wafv2.WebACL"
    COMPARED = compare("rules", "default_action", "visibility")
    IDENTITY = "id"
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    EFFECTS = Effects(
        Effect("CreateWebACL", 20),
        Effect("DeleteWebACL", 20),
        update=Effect("UpdateWebACL", 60, "requests are judged by the new rules within a minute"),
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("wafv2:ListWebACLs"),
        observe("wafv2:GetWebACL", "wafv2:ListTagsForResource", on=(ACL,)),
        make("wafv2:CreateWebACL", on=(ACL, _MANAGED)),
        make("wafv2:TagResource", on=(ACL,)),
        change("wafv2:UpdateWebACL", "wafv2:DeleteWebACL", "wafv2:TagResource", "wafv2:UntagResource", on=(ACL,)),
        Grant(Part.CHANGE, ("wafv2:UpdateWebACL",), (_MANAGED,)),
    )

    groups: tuple[str, ...]
    rate_limit: int

    @property
    def rules(self) -> tuple[Mapping[str, Any], ...]:
        """All rules in AWS's form: the rate limit first, which costs least."""
        return (_rate_rule(self.rate_limit), *(_group_rule(n, group) for n, group in enumerate(self.groups, 1)))

    @property
    def default_action(self) -> Mapping[str, Any]:
        """The action for a request that no rule blocks."""
        return {"Allow": {}}

    @property
    def visibility(self) -> Mapping[str, Any]:
        """The metrics and samples of requests that no rule blocks."""
        return _visibility(self.name)

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find it by name in the list of the account's web ACLs. Its tags and its rules take a call each."""
        if reader.cannot_exist_yet():
            return []
        return [cls._observed(reader, row) for row in reader.named(_ACLS, cls.TYPE)]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        answer = reader.detail(TAGS, "wafv2", "list_tags_for_resource", ResourceARN=row["ARN"])
        tags = tag_map(answer["TagInfoForResource"].get("TagList"))
        attrs: dict[str, Any] = {"id": row["Id"], "arn": row["ARN"]}
        if reader.owns(cls, row["Id"], tags):
            answer = reader.detail(SLOW, "wafv2", "get_web_acl", Name=row["Name"], Id=row["Id"], Scope=_SCOPE)
            acl = answer["WebACL"]
            rules = sorted(acl.get("Rules") or (), key=lambda rule: rule["Priority"])
            attrs |= {
                "rules": tuple(rule for rule in rules if not rule["Name"].startswith(_SHIELD)),
                "rules_of_shield": tuple(rule for rule in rules if rule["Name"].startswith(_SHIELD)),
                "default_action": acl["DefaultAction"],
                "visibility": acl["VisibilityConfig"],
                "lock_token": answer["LockToken"],
                "left_alone": {key: acl[key] for key in LEFT_ALONE if acl.get(key)},
            }
        return reader.observed(cls, row["Name"], row["Id"], attrs, tags)

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its tags. It cannot be associated for the first seconds, sometimes minutes."""
        with creating(self.address):
            row = cloud.client("wafv2").create_web_acl(
                Name=self.name, Scope=_SCOPE, Tags=tag_list(self.tags), **self._settings()
            )["Summary"]
        return self.as_created(
            row["Id"], arn=row["ARN"], lock_token=row["LockToken"], left_alone={}, rules_of_shield=()
        )

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Replace all settings but those that are not ours, unless they have changed since (AWS compares the token)."""
        waf, token = cloud.client("wafv2"), observed.attrs["lock_token"]
        if changed - {"tags"}:
            kept, shield = observed.attrs["left_alone"], observed.attrs["rules_of_shield"]
            token = waf.update_web_acl(
                Name=self.name, Id=observed.id, Scope=_SCOPE, LockToken=token, **kept, **self._settings(shield)
            )["NextLockToken"]
        if "tags" in changed:
            arn = observed.attrs["arn"]
            retag(
                self,
                observed,
                lambda keys: waf.untag_resource(ResourceARN=arn, TagKeys=keys),
                lambda: waf.tag_resource(ResourceARN=arn, Tags=tag_list(self.tags)),
            )
        return self.as_desired(observed, lock_token=token)

    def _settings(self, more: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        return {
            "DefaultAction": self.default_action,
            "VisibilityConfig": self.visibility,
            "Rules": [*self.rules, *more],
        }

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it once nothing is associated with it. AWS remembers a past association for a moment."""
        waf, token = cloud.client("wafv2"), observed.attrs["lock_token"]
        try:
            return gone(lambda: waf.delete_web_acl(Name=observed.name, Id=observed.id, Scope=_SCOPE, LockToken=token))
        except ClientError as error:
            if code_of(error) != "WAFAssociatedItemException":
                raise
        message = (
            f"web ACL {observed.name} is still in use: if other resources are associated with it, disassociate them"
        )
        return pending(Reason.DELETING, message, 20.0)


def _listed(waf: Client) -> list[Mapping[str, Any]]:
    """Return all web ACLs of the region. botocore has no paginator, and AWS may refer to a next page that is empty."""
    rows: list[Mapping[str, Any]] = []
    marker: dict[str, str] = {}
    while True:
        answer = waf.list_web_acls(Scope=_SCOPE, Limit=100, **marker)
        rows += answer["WebACLs"]
        if not answer.get("NextMarker") or not answer["WebACLs"]:
            return rows
        marker = {"NextMarker": answer["NextMarker"]}


_ACLS = Source("wafv2", "list_web_acls", "WebACLs", "Name", fetch=_listed)


def _visibility(metric: str) -> dict[str, Any]:
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": metric}


def _rate_rule(limit: int) -> dict[str, Any]:
    statement = {"Limit": limit, "EvaluationWindowSec": _WINDOW, "AggregateKeyType": "IP"}
    return {
        "Name": "rate-limit",
        "Priority": 0,
        "Statement": {"RateBasedStatement": statement},
        "Action": {"Block": {}},
        "VisibilityConfig": _visibility("rate-limit"),
    }


def _group_rule(priority: int, group: str) -> dict[str, Any]:
    return {
        "Name": group,
        "Priority": priority,
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": group}},
        # Keep the group's own actions.
        "OverrideAction": {"None": {}},
        "VisibilityConfig": _visibility(group),
    }

"""Whom STS lets assume a role: by its trust policy, external ID, session tags and source identity."""

from __future__ import annotations

import json
from typing import Any

import boto3

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, Act, Place, Rule, each, hold

_ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
_PAGE_TAGS, _PAGE_SOURCE = "IAM guide, Pass session tags in AWS STS", "IAM guide, Monitor and control actions taken"


def _role(*statements: dict[str, Any]) -> Act:
    def make(s: Place) -> None:
        whole = [{"Effect": "Allow", "Principal": _ROOT, **statement} for statement in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": whole})
        s.aws.iam.create_role(RoleName=s.name, AssumeRolePolicyDocument=document)

    return make


def sts(aws: Aws, key: str = "anybody", token: str | None = None) -> Any:
    return boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=aws.url,
        aws_access_key_id=key,
        aws_secret_access_key="x",
        aws_session_token=token,
    )


def _assume(**changes: Any) -> Act:
    return lambda s: sts(s.aws).assume_role(
        **{"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{s.name}", "RoleSessionName": "team-a.shop", **changes}
    )


def _tags(**tags: str) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


_ASSUME: dict[str, Any] = {"Action": "sts:AssumeRole"}
RULES = [
    Rule(
        "sts:AssumeRole",
        "the trust policy names another account",
        "AccessDenied",
        "API AssumeRole",
        _assume(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/others"),
        _assume(),
        lambda s: (
            _role(_ASSUME)(s),
            s.aws.iam.create_role(
                RoleName="others",
                AssumeRolePolicyDocument=json.dumps(
                    {
                        "Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "999999999999"}, **_ASSUME}],
                    }
                ),
            ),
        ),
        status=403,
        words="sts:AssumeRole",
    ),
    Rule(
        "sts:AssumeRole",
        "another external ID than the trust policy asks for",
        "AccessDenied",
        "IAM guide, Access to AWS accounts owned by third parties",
        _assume(ExternalId="missyou:uid:team-b"),
        _assume(ExternalId="missyou:uid:team-a"),
        _role({**_ASSUME, "Condition": {"StringEquals": {"sts:ExternalId": "missyou:uid:team-a"}}}),
        status=403,
    ),
    Rule(
        "sts:AssumeRole",
        "session tags without sts:TagSession in the trust policy",
        "AccessDenied",
        _PAGE_TAGS,
        _assume(**_tags(team="a")),
        _assume(),
        _role(_ASSUME),
        status=403,
        words="sts:TagSession",
    ),
    Rule(
        "sts:AssumeRole",
        "a session tag that sts:TagSession is not allowed for",
        "AccessDenied",
        _PAGE_TAGS,
        _assume(**_tags(team="a", admin="yes")),
        _assume(**_tags(team="a")),
        _role(
            _ASSUME,
            {"Action": "sts:TagSession", "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}},
        ),
        status=403,
        words="sts:TagSession",
    ),
    Rule(
        "sts:AssumeRole",
        "a source identity without sts:SetSourceIdentity in the trust policy",
        "AccessDenied",
        _PAGE_SOURCE,
        _assume(SourceIdentity="missyou.team-a"),
        _assume(),
        _role(_ASSUME),
        status=403,
        words="sts:SetSourceIdentity",
    ),
    Rule(
        "sts:AssumeRole",
        "another source identity than sts:SetSourceIdentity is allowed for",
        "AccessDenied",
        _PAGE_SOURCE,
        _assume(SourceIdentity="missyou.team-b"),
        _assume(SourceIdentity="missyou.team-a"),
        _role(
            _ASSUME,
            {
                "Action": "sts:SetSourceIdentity",
                "Condition": {"StringEquals": {"sts:SourceIdentity": "missyou.team-a"}},
            },
        ),
        status=403,
        words="sts:SetSourceIdentity",
    ),
    Rule(
        "sts:AssumeRole",
        "a session name with a slash",
        "ValidationError",
        "API AssumeRole",
        _assume(RoleSessionName="team-a/shop"),
        _assume(RoleSessionName="team-a.shop"),
    ),
]


@each(RULES)
def test_what_sts_refuses(rule: Rule, aws: Aws, name: str) -> None:
    hold(rule, aws, name)


def test_the_ledger_shows_the_session_of_each_call(aws: Aws, name: str) -> None:
    place = Place(aws, name)
    _role(_ASSUME, {"Action": "sts:TagSession"}, {"Action": "sts:SetSourceIdentity"})(place)
    keys: Any = _assume(SourceIdentity="missyou.team-a", **_tags(team="a"))(place)
    found = keys["Credentials"]
    sts(aws, found["AccessKeyId"], found["SessionToken"]).get_caller_identity()
    entry = aws.control("/ledger")[-1]
    assert entry["operation"] == "sts:GetCallerIdentity"
    assert entry["session"] == {
        "role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "name": "team-a.shop",
        "source": "missyou.team-a",
        "tags": {"team": "a"},
    }

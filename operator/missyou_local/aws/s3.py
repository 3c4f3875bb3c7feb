"""S3: what it refuses of the names and policies of buckets, and moto accepts."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Regional, checks
from missyou_local.aws.errors import AwsError

_NAME = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
"""S3 guide, "General purpose bucket naming rules"."""

_opened: Regional[set[str]] = Regional(set)
"""Buckets of which somebody has taken the block of public access away, which every new bucket has."""


@checks("s3:CreateBucket")
def name_is_well_formed(call: Call) -> None:
    """Refuse names that are none, or reserved."""
    name = call.params["Bucket"]
    if not _NAME.fullmatch(name) or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES) or _is_address(name):
        raise AwsError("InvalidBucketName", f"The specified bucket is not valid: {name}")
    _opened.of(call).discard(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@checks("s3:DeletePublicAccessBlock")
def note_that_it_is_open(call: Call) -> None:
    """Remember that public policies are no longer blocked."""
    _opened.of(call).add(call.params["Bucket"])


@checks("s3:PutBucketPolicy")
def policy_is_well_formed(call: Call) -> None:
    """Refuse what is no policy, policies on other resources, and public ones where these are blocked."""
    name = call.params["Bucket"]
    bucket = backends.backend("s3", call.account, "aws").buckets.get(name)
    if bucket is None:
        return
    for statement in _statements(call.params["Policy"]):
        resources = statement.get("Resource", [])
        for resource in [resources] if isinstance(resources, str) else resources:
            if resource != f"arn:aws:s3:::{name}" and not resource.startswith(f"arn:aws:s3:::{name}/"):
                raise _malformed("Policy has invalid resource")
        if _is_public(statement) and _blocks(call, bucket):
            raise AwsError("AccessDenied", "Access Denied: public policies are blocked (BlockPublicPolicy)", 403)


def _statements(policy: str | bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(policy)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'") from None
    statements = found if isinstance(found, list) else [found]
    for statement in statements:
        for field in ("Effect", "Principal", "Action", "Resource"):
            if field not in statement and f"Not{field}" not in statement:
                raise _malformed(f"Missing required field {field}")
    return statements


def _is_public(statement: dict[str, Any]) -> bool:
    """Tell whether a statement lets everybody in; one with a condition is given the benefit of the doubt."""
    everybody = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
    return everybody and statement["Effect"] == "Allow" and not statement.get("Condition")


def _blocks(call: Call, bucket: Any) -> bool:
    block = bucket.public_access_block
    if block is None:
        return bucket.name not in _opened.of(call)
    return str(block.block_public_policy).lower() == "true"


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message)

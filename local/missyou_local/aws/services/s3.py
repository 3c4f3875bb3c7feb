"""S3: refusals of names and policies of buckets that moto lacks, and the defaults of a new bucket.

Sources: S3 API reference, CreateBucket and DeleteBucket; S3 user guide, "Bucket naming rules", "Blocking public
access", "Setting default server-side encryption" (AES256 since January 2023) and "Controlling ownership of objects"
(no ACLs since April 2023).
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Result, checks, handles
from missyou_local.aws.errors import AwsError

_NAME = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
"""S3 guide, "General purpose bucket naming rules"."""

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_free_at: dict[str, float] = {}
"""When the name of a bucket that was deleted can be used again; names are shared by all accounts and regions."""
backends.on_reset(_free_at.clear)


@checks("s3:CreateBucket")
def name_is_well_formed(call: Call) -> None:
    """Refuse malformed and reserved names."""
    name = call.params["Bucket"]
    if not _NAME.fullmatch(name) or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES) or _is_address(name):
        raise AwsError("InvalidBucketName", f"The specified bucket is not valid: {name}")


@checks("s3:CreateBucket")
def name_is_free_again(call: Call) -> None:
    """Refuse the name of a bucket that was deleted a moment ago."""
    if _free_at.get(call.params["Bucket"], 0.0) > call.now:
        message = "A conflicting conditional operation is currently in progress against this resource."
        raise AwsError("OperationAborted", f"{message} Please try again.", 409)


@handles("s3:CreateBucket")
def create_bucket(call: Call) -> Result:
    """Create a bucket with AWS's defaults, and with the call's tags, which moto ignores."""
    name, s3 = call.params["Bucket"], backends.backend("s3", call.account, "aws")
    known = name in s3.buckets
    result = call.forward()
    if not known:
        s3.put_public_access_block(name, dict.fromkeys(_BLOCKS, "true"))
        s3.put_bucket_ownership_controls(name, "BucketOwnerEnforced")
        by_default = {"SSEAlgorithm": "AES256"}
        s3.put_bucket_encryption(name, {"Rule": {"ApplyServerSideEncryptionByDefault": by_default}})
        tags = (call.params.get("CreateBucketConfiguration") or {}).get("Tags") or []
        s3.put_bucket_tagging(name, {tag["Key"]: tag["Value"] for tag in tags})
    return result


@handles("s3:DeleteBucket")
def delete_bucket(call: Call) -> Result:
    """Delete a bucket; its name stays taken for a while."""
    result = call.forward()
    _free_at[call.params["Bucket"]] = call.now + call.timing.bucket_name
    return result


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@checks("s3:PutBucketPolicy")
def policy_is_well_formed(call: Call) -> None:
    """Refuse malformed policies, policies on other resources, and public ones where these are blocked."""
    name = call.params["Bucket"]
    bucket = backends.backend("s3", call.account, "aws").buckets.get(name)
    if bucket is None:
        return
    for statement in _statements(call.params["Policy"]):
        resources = statement.get("Resource", [])
        for resource in [resources] if isinstance(resources, str) else resources:
            if resource != f"arn:aws:s3:::{name}" and not resource.startswith(f"arn:aws:s3:::{name}/"):
                raise _malformed("Policy has invalid resource")
        if _is_public(statement) and _blocks(bucket):
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
    """Return whether a statement admits everybody; one with a condition gets the benefit of the doubt."""
    everybody = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
    return everybody and statement["Effect"] == "Allow" and not statement.get("Condition")


def _blocks(bucket: Any) -> bool:
    block = bucket.public_access_block
    return block is not None and str(block.block_public_policy).lower() == "true"


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message)

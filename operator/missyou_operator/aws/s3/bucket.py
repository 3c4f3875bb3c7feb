"""The bucket that a load balancer writes its access logs to. Source: Amazon S3 API reference and user guide.

Bucket names are unique within a partition, so ours contains account and region. `ListBuckets` shows the account's own
buckets only: whether another account has the name turns out at creation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Client, Cloud
from missyou_operator.aws.errors import code_of, is_absent
from missyou_operator.aws.idempotency import exists_already
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import SLOW, TAGS, Source
from missyou_operator.aws.listing import Named
from missyou_operator.aws.permissions import Grant, Part, make, observe
from missyou_operator.aws.policy_documents import as_policy, json_text
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.s3.emptying import empty, holds_logs
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import READY, Health, Observed, World, pending

#: The region that CreateBucket does not accept as an argument.
_DEFAULT_REGION = "us-east-1"
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_BUCKET = "s3:{s3.Bucket}"


@dataclass(frozen=True, kw_only=True)
class Bucket(Named):
    """A private bucket, encrypted with S3's own keys. Objects expire after `retention_days`; `policy` is its policy."""

    TYPE: ClassVar[str] = "s3.Bucket"
    LISTING = Source("s3", "list_buckets", "Buckets", "Name")
    COMPARED = compare("encryption", "public_access", "ownership", "retention_days", policy=as_policy)
    # Nobody else must be able to take the name while a load balancer writes to it.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("elbv2.AccessLogs", "elbv2.LoadBalancer")
    EVIDENCE: ClassVar[tuple[str, ...]] = ("elbv2.AccessLogs",)
    EFFECTS = Effects(
        Effect("CreateBucket", 5),
        Effect("DeleteObjects, DeleteBucket", 60),
        fields={
            "encryption": Effect("PutBucketEncryption"),
            "public_access": Effect("PutPublicAccessBlock"),
            "ownership": Effect("PutBucketOwnershipControls"),
            "retention_days": Effect("PutBucketLifecycleConfiguration"),
            "policy": Effect("PutBucketPolicy"),
        },
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("s3:ListAllMyBuckets"),
        observe(
            "s3:GetBucketTagging",
            "s3:GetBucketPolicy",
            "s3:GetEncryptionConfiguration",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketOwnershipControls",
            "s3:GetLifecycleConfiguration",
            "s3:ListBucketVersions",
            "s3:ListBucketMultipartUploads",
            on=(_BUCKET,),
        ),
        make("s3:CreateBucket", on=(_BUCKET,)),
        replace(
            make("s3:TagResource", on=(_BUCKET,)),
            implied="CreateBucket with tags needs it: S3 API reference, CreateBucketConfiguration",
        ),
        # S3 checks a bucket's tags only if ABAC is enabled for it.
        Grant(
            Part.CHANGE,
            (
                "s3:PutBucketTagging",
                "s3:PutBucketPolicy",
                "s3:PutEncryptionConfiguration",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketOwnershipControls",
                "s3:PutLifecycleConfiguration",
                "s3:DeleteBucket",
            ),
            (_BUCKET,),
        ),
        Grant(Part.CHANGE, ("s3:DeleteObject", "s3:AbortMultipartUpload"), (f"{_BUCKET}/*",)),
        Grant(
            Part.CHANGE,
            ("s3:DeleteObjectVersion",),
            (f"{_BUCKET}/*",),
            implied="DeleteObjects with versions needs it besides s3:DeleteObject: S3 API reference, DeleteObjects",
        ),
    )

    policy: Mapping[str, Any]
    retention_days: int

    @property
    def encryption(self) -> str:
        """The algorithm. Elastic Load Balancing cannot write to a bucket with KMS keys."""
        return "AES256"

    @property
    def public_access(self) -> str:
        """Whether public access is blocked in all four ways."""
        return "blocked"

    @property
    def ownership(self) -> str:
        """The ownership rule: the bucket's owner owns objects that others write."""
        return "BucketOwnerEnforced"

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        s3, name = reader.client("s3"), row["Name"]
        tags = reader.computed(TAGS, f"s3.tags/{name}", partial(_tags, s3, name))
        attrs: dict[str, Any] = {"id": name, "arn": f"arn:{reader.stack.partition}:s3:::{name}"}
        attrs["created"] = f"{row.get('CreationDate', '')}"
        if reader.owns(cls, name, tags):
            attrs |= reader.computed(SLOW, f"s3.settings/{name}", partial(_settings, s3, name))
            # Listed only if the bucket is to be deleted.
            if name not in reader.desired_names(cls.TYPE):
                attrs["logs"] = holds_logs(s3, name)
        return reader.observed(cls, name, name, attrs, tags)

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its tags, then set all compared fields, whatever AWS's defaults are."""
        settings: dict[str, Any] = {"Tags": tag_list(self.tags)}
        if cloud.stack.region != _DEFAULT_REGION:
            settings["LocationConstraint"] = cloud.stack.region
        s3 = cloud.client("s3")
        try:
            s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=settings)
        except ClientError as error:
            raise _explained(error, self.name) from error
        self._set(s3, frozenset(self.COMPARED))
        return self.as_created(self.name, arn=f"arn:{cloud.stack.partition}:s3:::{self.name}")

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set what differs, with a call for each field. S3 replaces all tags at once, so foreign tags are sent too."""
        s3 = cloud.client("s3")
        self._set(s3, changed)
        if "tags" in changed:
            # Those of others may have changed since the last observation.
            present = replace(observed, tags=_tags(s3, self.name))
            s3.put_bucket_tagging(Bucket=self.name, Tagging={"TagSet": tag_list(self.as_desired(present).tags)})
        return self.as_desired(observed)

    def _set(self, s3: Client, changed: frozenset[str]) -> None:
        if "public_access" in changed:
            s3.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=dict.fromkeys(_BLOCKS, True))
        if "ownership" in changed:
            s3.put_bucket_ownership_controls(
                Bucket=self.name, OwnershipControls={"Rules": [{"ObjectOwnership": self.ownership}]}
            )
        if "encryption" in changed:
            by_default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": self.encryption}}
            s3.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": [by_default]})
        if "retention_days" in changed:
            s3.put_bucket_lifecycle_configuration(
                Bucket=self.name, LifecycleConfiguration={"Rules": [_expiry(self.retention_days)]}
            )
        if "policy" in changed:
            s3.put_bucket_policy(Bucket=self.name, Policy=json_text(self.policy))

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Empty it, some thousands of objects per call, then delete it: callers make sure that they may be deleted."""
        s3, text = cloud.client("s3"), f"bucket {observed.name} is being emptied"
        try:
            if not empty(s3, observed.name):
                return pending("Emptying", text, 1.0)
            s3.delete_bucket(Bucket=observed.name)
        except ClientError as error:
            if is_absent(error):
                return READY
            if code_of(error) != "BucketNotEmpty":
                raise
            # The load balancer's last logs arrive up to five minutes late.
            return pending("Emptying", f"{text}: new logs have arrived", 10.0)
        return READY

    def evidence(self, observed: Observed, world: World) -> str:
        """Return its incarnation, if a load balancer writes to it."""
        return self.incarnation(observed) if _writers(world, self.name) else ""

    def lost(self, world: World, recorded: str) -> str:
        """Return the incarnation of a bucket that others deleted, or which load balancer still writes there."""
        return recorded or next(_writers(world, self.name), "")

    @classmethod
    def incarnation(cls, observed: Observed) -> str:
        """Return when it was created. What this process has just created holds nothing yet."""
        return str(observed.attrs.get("created", ""))

    @classmethod
    def holds_data(cls, observed: Observed) -> str:
        """Return that the logs would be lost. With their number, an approval would lapse when the next one expires."""
        return f"the access logs in the bucket {observed.id}" if observed.attrs.get("logs", True) else ""


def _writers(world: World, bucket: str) -> Iterator[str]:
    """Yield the load balancers that log to a bucket."""
    for rows in world.values():
        for observed in rows:
            if observed.kind.TYPE == "elbv2.AccessLogs" and observed.owned and observed.attrs["bucket"] == bucket:
                yield str(observed.attrs["load_balancer_arn"])


def _explained(error: ClientError, name: str) -> ClientError | NotYetError | RefusedError:
    """Return the error that fits the owner of a taken name."""
    match code_of(error):
        case "BucketAlreadyOwnedByYou":
            return exists_already(f"bucket {name}", 5.0)
        case "BucketAlreadyExists":
            message = (
                f"the bucket name {name} belongs to another AWS account: set spec.loadBalancer.accessLogs.enabled to "
                "false. A new app can have another spec.stackName instead, which is fixed once the app exists"
            )
            return RefusedError(Reason.OWNED_ELSEWHERE, message)
    return error


def _tags(s3: Client, name: str) -> dict[str, str]:
    return tag_map((_setting(s3.get_bucket_tagging, name) or {}).get("TagSet"))


def _setting(get: Callable[..., Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """Read one of a bucket's settings. S3 answers with an error if it is not set."""
    try:
        return get(Bucket=name)
    except ClientError as error:
        if is_absent(error) and code_of(error) != "NoSuchBucket":
            return None
        raise


def _settings(s3: Client, name: str) -> dict[str, Any]:
    policy = _setting(s3.get_bucket_policy, name)
    encryption = _setting(s3.get_bucket_encryption, name) or {}
    access = _setting(s3.get_public_access_block, name) or {}
    ownership = _setting(s3.get_bucket_ownership_controls, name) or {}
    lifecycle = _setting(s3.get_bucket_lifecycle_configuration, name) or {}
    rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules") or [{}]
    blocks = access.get("PublicAccessBlockConfiguration", {})
    owners = ownership.get("OwnershipControls", {}).get("Rules") or [{}]
    return {
        "policy": json.loads(policy["Policy"]) if policy else None,
        "encryption": rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm"),
        "public_access": "blocked" if all(blocks.get(block) for block in _BLOCKS) else "not blocked",
        "ownership": owners[0].get("ObjectOwnership"),
        "retention_days": _retention(lifecycle.get("Rules") or ()),
    }


def _expiry(days: int) -> dict[str, Any]:
    """Return the rule that deletes older objects, and soon afterwards their versions if versioning is enabled."""
    return {
        "ID": "expire",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }


def _retention(rules: Sequence[Mapping[str, Any]]) -> int | str | None:
    """Return the retention of lifecycle rules in days, "other rules" for rules unlike ours, None without any."""
    if not rules:
        return None
    days = rules[0].get("Expiration", {}).get("Days")
    if len(rules) == 1 and days and _essence(rules[0]) == _essence(_expiry(days)):
        return int(days)
    return "other rules"


def _essence(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule without what has no effect: its name, and a filter for all objects, which has several forms."""
    empty = {"Filter": ({}, {"Prefix": ""}), "Prefix": ("",)}
    return {key: value for key, value in rule.items() if key != "ID" and value not in empty.get(key, ())}

"""Access logs of the load balancer, apart from its other attributes, so that trouble with a bucket blocks only them.

Source: Application Load Balancers guide, "Enable access logs for your Application Load Balancer".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.elbv2.rows import word
from missyou_operator.aws.errors import code_of, gone, message_of
from missyou_operator.aws.identity import StackIdentity, tag_list
from missyou_operator.aws.permissions import Grant, change
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, everything
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Health, Observed, Resource
from missyou_operator.engine.values import Ref

_ENABLED, _BUCKET, _PREFIX = (f"access_logs.s3.{part}" for part in ("enabled", "bucket", "prefix"))

#: The principal that writes the logs in the partition of most regions. AWS recommends it for all of them, in place of
#: an account per region. Source: ALB guide, "Enable access logs", step 2; read in 2026.
_WRITER = "logdelivery.elasticloadbalancing.amazonaws.com"
#: The accounts of Elastic Load Balancing in the other partitions, to which that advice is not known to apply.
#: Source: ALB guides for AWS GovCloud (US) and for China, as carried by github.com/brendanhay/amazonka,
#: Amazonka.ELB.Internal; November 2026.
_ACCOUNTS = {
    "us-gov-west-1": "048591011584",
    "us-gov-east-1": "190560391635",
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
}


def log_policy(stack: StackIdentity, bucket: str) -> Mapping[str, Any]:
    """Return the bucket policy that lets Elastic Load Balancing put this account's logs, and nothing else."""
    account = _ACCOUNTS.get(stack.region)
    principal = {"AWS": f"arn:{stack.partition}:iam::{account}:root"} if account else {"Service": _WRITER}
    where = f"arn:{stack.partition}:s3:::{bucket}/AWSLogs/{stack.account}/*"
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:PutObject", "Resource": where}
    return {"Version": "2012-10-17", "Statement": [statement]}


def logs_to(attributes: Mapping[str, str]) -> str:
    """Return where a load balancer writes its logs, as `s3://bucket/prefix`; "" if it does not.

    With the bucket's bare name, the engine would see the load balancer itself as a user of the bucket.
    """
    if attributes.get(_ENABLED) != "true":
        return ""
    return f"s3://{attributes.get(_BUCKET, '')}/{attributes.get(_PREFIX, '')}"


@dataclass(frozen=True, kw_only=True)
class AccessLogs(Resource):
    """The logging of a load balancer to the top level of a bucket. AWS tests the writing when it is enabled."""

    TYPE: ClassVar[str] = "elbv2.AccessLogs"
    COMPARED = compare("load_balancer_arn", "bucket", "prefix")
    READ_AFTER: ClassVar[tuple[str, ...]] = ("elbv2.LoadBalancer",)
    EFFECTS = everything(Effect("ModifyLoadBalancerAttributes", 5))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        change(
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            on=("elasticloadbalancing:loadbalancer/app/{elbv2.LoadBalancer}/*",),
        ),
    )

    load_balancer_arn: str | Ref
    bucket: str | Ref

    @property
    def prefix(self) -> str:
        """Return no prefix: the policy allows only the path that AWS itself adds."""
        return ""

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Return what the load balancer's attributes show. Logging to a foreign bucket is not ours."""
        ours, found = reader.name("s3.Bucket"), []
        for balancer in reader.found("elbv2.LoadBalancer", whole=True):
            bucket, _, prefix = balancer.attrs.get("logs_to", "").removeprefix("s3://").partition("/")
            if bucket == ours:
                attrs = {"load_balancer_arn": balancer.id, "bucket": bucket, "prefix": prefix}
                id_ = f"{ours} of {balancer.name}"
                found.append(Observed(cls, balancer.name, id_, attrs, balancer.tags, component=balancer.component))
        return found

    def create(self, cloud: Cloud) -> Observed:
        """Enable them. A bucket's new policy takes a while to propagate."""
        self._enable(cloud)
        return self.as_created(f"{self.bucket} of {self.name}")

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Set all of it again."""
        self._enable(cloud)
        return self.as_desired(observed)

    def _enable(self, cloud: Cloud) -> None:
        attributes = {_ENABLED: word(True), _BUCKET: str(self.bucket), _PREFIX: self.prefix}
        try:
            _set(cloud, str(self.load_balancer_arn), attributes)
        except ClientError as error:
            if code_of(error) != "InvalidConfigurationRequest":
                raise
            text = f"Elastic Load Balancing cannot write to {self.bucket} yet: {message_of(error)}. If this persists,"
            message = f"{text} an organization's policy or a foreign bucket policy forbids it"
            raise NotYetError("WaitingForBucketPolicy", message, 20.0) from error

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Disable them."""
        return gone(lambda: _set(cloud, observed.attrs["load_balancer_arn"], {_ENABLED: word(False)}))


def _set(cloud: Cloud, arn: str, attributes: Mapping[str, str]) -> None:
    cloud.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=tag_list(attributes))

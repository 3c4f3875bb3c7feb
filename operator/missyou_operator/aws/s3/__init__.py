"""S3."""

from __future__ import annotations

from missyou_operator.aws.s3.bucket import Bucket
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (Bucket,)

"""IAM."""

from __future__ import annotations

from missyou_operator.aws.iam.role import Role
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (Role,)

"""Route 53."""

from __future__ import annotations

from missyou_operator.aws.route53.claim import Claim
from missyou_operator.aws.route53.records import Alias, Validation
from missyou_operator.aws.route53.zone import HostedZone
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (HostedZone, Claim, Validation, Alias)

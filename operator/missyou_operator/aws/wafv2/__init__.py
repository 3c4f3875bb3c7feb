"""WAF."""

from __future__ import annotations

from missyou_operator.aws.wafv2.association import WebACLAssociation
from missyou_operator.aws.wafv2.webacl import WebACL
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (WebACL, WebACLAssociation)

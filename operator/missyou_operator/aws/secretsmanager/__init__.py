"""Secrets Manager."""

from __future__ import annotations

from missyou_operator.aws.secretsmanager.secret import Secret
from missyou_operator.aws.secretsmanager.versions import SecretVersion, StagedPassword
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (Secret, StagedPassword, SecretVersion)

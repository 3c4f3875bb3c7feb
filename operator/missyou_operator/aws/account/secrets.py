"""Secrets of others that are scheduled for deletion: they keep their names until then.

Source: Secrets Manager API reference, CreateSecret (InvalidRequestException) and DescribeSecret.
"""

from __future__ import annotations

from functools import partial

from missyou_operator.aws.account.facts import Doomed, Facts
from missyou_operator.aws.account.wanted import Wanted
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import if_present
from missyou_operator.aws.identity import tag_map


def read(cloud: Cloud, wanted: Wanted) -> Facts:
    """Read the secrets of the names that the stack needs. Its own are restored when it is created."""
    describe = cloud.client("secretsmanager").describe_secret
    rows = [if_present(partial(describe, SecretId=name)) for name in wanted.secrets]
    return Facts(
        doomed=tuple(
            Doomed(row["Name"], row["DeletedDate"].date().isoformat())
            for row in rows
            if row and row.get("DeletedDate") and not cloud.stack.owns(tag_map(row.get("Tags")))
        )
    )

"""The identity of a stack: the names and tags that make AWS itself the only state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STACK_TAG = "missyou.app/stack"
CLUSTER_TAG = "missyou.app/cluster"
COMPONENT_TAG = "missyou.app/component"
#: The names of stacks' resources: patterns for `StackIdentity.fill`, by resource type.
Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class StackIdentity:
    """One stack's identity.

    `name` prefixes all AWS names, `app` is `<namespace>/<name>` of the MissYouApp, `cluster` the UID of the Kubernetes
    cluster's kube-system namespace.
    """

    name: str
    app: str
    cluster: str
    account: str
    region: str
    partition: str = "aws"

    def tags(self, component: str, name: str, extra: Mapping[str, str]) -> dict[str, str]:
        """Return all tags of one resource; `extra` is `Environment` and `spec.tags`."""
        ours = {STACK_TAG: self.app, CLUSTER_TAG: self.cluster, COMPONENT_TAG: component, "Name": name}
        return {**extra, **ours}

    def fill(self, pattern: str, chosen: str = "*") -> str:
        """Fill in a name's pattern: `{stack}`, `{region}` and `{account}` from this stack, `chosen` for its `*`."""
        return pattern.format(stack=self.name, region=self.region, account=self.account).replace("*", chosen)

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Return whether tags mark a resource as this stack's."""
        return tags.get(STACK_TAG) == self.app and tags.get(CLUSTER_TAG) == self.cluster

    def disowned_by(self, tags: Mapping[str, str]) -> str:
        """Return the other owner that tags name, "" if they name this stack, part of it, or nobody."""
        ours = {STACK_TAG: self.app, CLUSTER_TAG: self.cluster}
        if all(tags.get(key, value) == value for key, value in ours.items()):
            return ""
        return f"MissYouApp {tags.get(STACK_TAG, '(unknown)')} of cluster {tags.get(CLUSTER_TAG, '(unknown)')}"

    def retag_command(self, type_: str, id_: str, arn: str) -> str:
        """Return the command that marks a resource as this stack's again."""
        marks = {STACK_TAG: self.app, CLUSTER_TAG: self.cluster}
        region = f"aws --region {self.region}"
        pairs = " ".join(f"Key={key},Value={value}" for key, value in marks.items())
        if type_.startswith("ec2."):
            return f"{region} ec2 create-tags --resources {id_} --tags {pairs}"
        if type_ == "iam.Role":
            return f"aws iam tag-role --role-name {id_} --tags {pairs}"
        # It takes every other type; the tags are in its short form.
        short = ",".join(f"{key}={value}" for key, value in marks.items())
        return f"{region} resourcegroupstaggingapi tag-resources --resource-arn-list {arn or id_} --tags {short}"

    def token(self, *parts: str) -> str:
        """Derive a client token (64 hex digits) from the identity, so that AWS carries out no request twice."""
        return hashlib.sha256("\0".join((self.cluster, self.app, self.region, *parts)).encode()).hexdigest()

    def arn(self, service: str, resource: str) -> str:
        """Compose an ARN in this stack's account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def owner_of(tags: Mapping[str, str]) -> str:
    """Return the owner that tags name, for a message, or an empty string."""
    if STACK_TAG not in tags:
        return ""
    return f"MissYouApp {tags[STACK_TAG]} of cluster {tags.get(CLUSTER_TAG, '(unknown)')}"


def tag_list(tags: Mapping[str, str], *, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return tags in the list form that most services take (ECS spells both keys in lower case)."""
    return [{key: k, value: v} for k, v in sorted(tags.items())]


def tag_map(tags: Iterable[Mapping[str, Any]] | None, *, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Return tags as a mapping, without those that AWS sets itself."""
    return {t[key]: t.get(value) or "" for t in tags or () if not t[key].startswith("aws:")}

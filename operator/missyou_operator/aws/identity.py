"""The identity of a stack: the names and tags that make AWS itself the only state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from missyou_operator.api.annotations import take_over_command

STACK_TAG = "missyou.app/stack"
CLUSTER_TAG = "missyou.app/cluster"
UID_TAG = "missyou.app/uid"
#: On the subnet group: the database has been a production app's. It stays, whatever the spec says later.
PRODUCTION_TAG = "missyou.app/production"
COMPONENT_TAG = "missyou.app/component"
#: The names of stacks' resources: patterns for `StackIdentity.fill`, by resource type.
Names = Mapping[str, tuple[str, ...]]


class Name(str):
    """The pattern of a name that `spec.existing.names` may replace, under `key`, by the name of what exists.

    Where the pattern has a `*`, so has the key: `targetGroup-*`.
    """

    __slots__ = ("key",)
    key: str

    def __new__(cls, pattern: str, key: str) -> Self:
        """Make one from the pattern and its key."""
        name = super().__new__(cls, pattern)
        name.key = key
        return name


@dataclass(frozen=True, slots=True)
class StackIdentity:
    """One stack's identity.

    `name` prefixes all AWS names, `app` is `<namespace>/<name>` of the MissYouApp, `cluster` the UID of the Kubernetes
    cluster's kube-system namespace, `uid` that of the MissYouApp itself: an app of the same name that was made anew,
    perhaps by other people, is another one. `takes_over`: what bears the name of the app and another cluster's or
    another app's UID counts as this stack's, and is tagged as such. `existing`: names that resources had before they
    became this stack's, by the keys of their patterns (see `Name`).
    """

    name: str
    app: str
    cluster: str
    account: str
    region: str
    uid: str
    partition: str = "aws"
    takes_over: bool = False
    existing: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def marks(self) -> dict[str, str]:
        """The tags that make a resource this stack's."""
        return {STACK_TAG: self.app, CLUSTER_TAG: self.cluster, UID_TAG: self.uid}

    def tags(self, component: str, name: str, extra: Mapping[str, str]) -> dict[str, str]:
        """Return all tags of one resource; `extra` is `Environment` and `spec.tags`."""
        return {**extra, **self.marks, COMPONENT_TAG: component, "Name": name}

    def fill(self, pattern: str, chosen: str = "*") -> str:
        """Fill in a name's pattern: `{stack}`, `{region}` and `{account}` from this stack, `chosen` for its `*`.

        What existed before the stack keeps the name that it had.
        """
        if (existing := self.existing.get(getattr(pattern, "key", "").replace("*", chosen))) is not None:
            return existing
        return pattern.format(stack=self.name, region=self.region, account=self.account).replace("*", chosen)

    def filled(self, pattern: str) -> tuple[str, ...]:
        """Return all names that a pattern stands for: the pattern filled in, and those of what existed before.

        A `*` in it stands for a part that the spec chooses.
        """
        prefix, star, _ = getattr(pattern, "key", "").partition("*")
        before = (name for key, name in self.existing.items() if star and key.startswith(prefix))
        return (self.fill(pattern), *before)

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Return whether tags mark a resource as this stack's, or as one that it takes over."""
        return all(tags.get(key) == value for key, value in self.marks.items()) or (
            self.takes_over and self.could_take_over(tags)
        )

    def could_take_over(self, tags: Mapping[str, str]) -> bool:
        """Return whether tags name an app of the same namespace and name, in another cluster or of another time."""
        ours = all(tags.get(key) == value for key, value in self.marks.items())
        return tags.get(STACK_TAG) == self.app and not ours

    def take_over_remedy(self) -> str:
        """Return what a person can do about the stack of a namesake, for a message."""
        return (
            "That app has the same name, in another cluster or at another time. If its stack and all its data are to "
            f"be this app's, take it over: {self.take_over_command()}. If not, delete this app and create it with "
            "another spec.stackName"
        )

    def take_over_command(self) -> str:
        """Return the command by which a person makes this app the heir of its namesake."""
        namespace, _, name = self.app.partition("/")
        return take_over_command({"metadata": {"namespace": namespace, "name": name}})

    def disowned_by(self, tags: Mapping[str, str]) -> str:
        """Return the other owner that tags name, "" if they name this stack, part of it, or nobody."""
        if all(tags.get(key, value) == value for key, value in self.marks.items()):
            return ""
        return _owner(tags)

    def retag_command(self, type_: str, id_: str, arn: str) -> str:
        """Return the command that marks a resource as this stack's again."""
        region = f"aws --region {self.region}"
        pairs = " ".join(f"Key={key},Value={value}" for key, value in self.marks.items())
        if type_.startswith("ec2."):
            return f"{region} ec2 create-tags --resources {id_} --tags {pairs}"
        if type_ == "iam.Role":
            return f"aws iam tag-role --role-name {id_} --tags {pairs}"
        # It takes every other type; the tags are in its short form.
        short = ",".join(f"{key}={value}" for key, value in self.marks.items())
        return f"{region} resourcegroupstaggingapi tag-resources --resource-arn-list {arn or id_} --tags {short}"

    def token(self, *parts: str) -> str:
        """Derive a client token (64 hex digits) from the identity, so that AWS carries out no request twice.

        Nor does AWS answer the request of one app with the resource of another of the same name.
        """
        identity = (self.cluster, self.uid, self.app, self.region)
        return hashlib.sha256("\0".join((*identity, *parts)).encode()).hexdigest()

    @property
    def salt(self) -> str:
        """What the IDs of the versions of secrets are derived with (64 hex digits).

        It stays the same for whoever takes the stack over: no secret gets a new version, and no task is rolled out.
        """
        return hashlib.sha256("\0".join((self.account, self.region, self.app, "secret")).encode()).hexdigest()

    def arn(self, service: str, resource: str) -> str:
        """Compose an ARN in this stack's account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def owner_of(tags: Mapping[str, str]) -> str:
    """Return the owner that tags name, for a message, or an empty string."""
    if STACK_TAG not in tags:
        return ""
    return _owner(tags)


def _owner(tags: Mapping[str, str]) -> str:
    app, cluster, uid = (tags.get(key, "(unknown)") for key in (STACK_TAG, CLUSTER_TAG, UID_TAG))
    return f"MissYouApp {app} (UID {uid}) of cluster {cluster}"


def tag_list(tags: Mapping[str, str], *, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return tags in the list form that most services take (ECS spells both keys in lower case)."""
    return [{key: k, value: v} for k, v in sorted(tags.items())]


def tag_map(tags: Iterable[Mapping[str, Any]] | None, *, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Return tags as a mapping, without those that AWS sets itself."""
    return {t[key]: t.get(value) or "" for t in tags or () if not t[key].startswith("aws:")}

"""Secrets. Behaviour: Secrets Manager API reference, CreateSecret and PutSecretValue.

Values are written, but never read for comparison: see `values`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of, gone, if_present
from missyou_operator.aws.identity import STACK_TAG, owner_of, tag_list, tag_map
from missyou_operator.aws.informer import FRESH, Source
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.secretsmanager.values import derived, generated, initial
from missyou_operator.aws.tags import retag
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import Health, Observed, Resource
from missyou_operator.engine.values import Ref, Sensitive

#: Not the exact names: AWS appends six characters to the ARN, which a secret does not have before it exists.
NAMES = ("secretsmanager:secret:{secretsmanager.AnySecret}",)

#: The placeholder for the value in an observation, which is not read.
HIDDEN = Sensitive("")
#: The label of the version that readers get, and that of a password which the database is about to get.
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
#: The key of Secrets Manager itself, which encrypts a secret without a key of its own. Nobody needs rights to it.
_DEFAULT_KEY = "alias/aws/secretsmanager"


#: Those with a stack tag. The list may lag by minutes.
_SECRETS = Source(
    "secretsmanager", "list_secrets", "SecretList", "Name", {"Filters": [{"Key": "tag-key", "Values": [STACK_TAG]}]}
)


@dataclass(frozen=True, kw_only=True)
class Secret(Resource):
    """A secret with a given value or, if `value` is None, with credentials for `username`, generated once.

    `salt` goes into the version ids, so that others cannot see from them which values are equal.
    """

    TYPE: ClassVar[str] = "secretsmanager.Secret"
    COMPARED = compare("description", "value", "key", "rotation")
    CHANGES_ON_UPDATE: ClassVar[frozenset[str]] = frozenset({"version"})
    IDENTITY = "id"
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service", "rds.DBInstance")
    EFFECTS = Effects(
        Effect("CreateSecret"),
        Effect("DeleteSecret"),
        update=Effect("UpdateSecret"),
        # Tasks read it when they start: the rollout that follows is a change of the service.
        fields={"value": Effect("PutSecretValue"), "rotation": Effect("CancelRotateSecret")},
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("secretsmanager:ListSecrets"),
        observe("secretsmanager:DescribeSecret", on=NAMES),
        change("secretsmanager:CancelRotateSecret", on=NAMES),
        make("secretsmanager:CreateSecret", "secretsmanager:TagResource", on=NAMES),
        change("secretsmanager:UpdateSecret", "secretsmanager:RestoreSecret", "secretsmanager:DeleteSecret", on=NAMES),
        change("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage", on=NAMES),
        change("secretsmanager:UntagResource", on=NAMES),
    )

    description: str
    value: Sensitive | Ref | None
    salt: str
    username: str = ""

    @property
    def key(self) -> str:
        """The KMS key: tasks may use no other."""
        return _DEFAULT_KEY

    @property
    def rotation(self) -> bool:
        """Whether Secrets Manager changes the value on a schedule: the database would not know the new password."""
        return False

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's secrets by name in a list of the account's secrets with a stack tag.

        That list may lag by minutes and lacks foreign secrets. Desired secrets that are missing in it are read by name;
        if none is desired (in a teardown), all of the stack's names are that do not depend on the spec.
        """
        rows = reader.named(_SECRETS, cls.TYPE)
        listed = {row["Name"] for row in rows}
        expected = reader.desired_names(cls.TYPE) or reader.names(cls.TYPE)
        unlisted = [name for name in expected if name not in listed and "*" not in name]
        rows += [row for name in unlisted if (row := _described(reader, name)) is not None]
        return [cls._observed(reader, row) for row in rows if not row.get("DeletedDate")]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        """Build an observation from a row of ListSecrets or an answer of DescribeSecret."""
        return reader.observed(cls, row["Name"], row["ARN"], _attributes(row), tag_map(row.get("Tags")))

    def matches(self, name: str, observed: Observed) -> bool:
        """Compare a value by the id of the current version, derived from the value.

        A generated value always matches, and so does one whose source is gone (UNCHANGED).
        """
        if name == "value":
            given = isinstance(self.value, Sensitive)
            return not given or observed.attrs["version"] == self.desired_version()
        return super().matches(name, observed)

    def desired_version(self) -> str:
        """Return the id of the version that holds the value."""
        if isinstance(self.value, Sensitive):
            return derived(self.salt, self.value.fingerprint(self.salt))
        return initial(self.salt)

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its first version, or restore it if it is ours and scheduled for deletion.

        Restored credentials keep their password: a database may use it.
        """
        version = self.desired_version()
        try:
            row = cloud.client("secretsmanager").create_secret(
                Name=self.name,
                Description=self.description,
                ClientRequestToken=version,
                SecretString=self._content().reveal(),
                Tags=tag_list(self.tags),
            )
        except ClientError as error:
            if code_of(error) not in {"InvalidRequestException", "ResourceExistsException"}:
                raise
            return self._recover(cloud, error)
        known = {"arn": row["ARN"], "version": version, "pending": "", "versions": (version,)}
        return self.as_created(row["ARN"], **known, value=HIDDEN)

    def _content(self) -> Sensitive:
        return self.value if isinstance(self.value, Sensitive) else generated(self.username)

    def _recover(self, cloud: Cloud, refusal: ClientError) -> Observed:
        """Return the stack's own secret of this name, restored if need be. Errors: RefusedError, NotYetError."""
        client = cloud.client("secretsmanager")
        row = if_present(lambda: client.describe_secret(SecretId=self.name))
        if row is None:
            message = f"the secret {self.name} has just been deleted: AWS releases its name within minutes"
            raise NotYetError(Reason.CREATING, message) from refusal
        tags = tag_map(row.get("Tags"))
        if not cloud.stack.owns(tags):
            raise RefusedError(
                Reason.OWNED_ELSEWHERE,
                f"the secret {self.name} exists ({'scheduled for deletion, ' if row.get('DeletedDate') else ''}"
                f"{owner_of(tags) or 'owner unknown: it lacks our tags'}). The operator leaves it alone: delete it now "
                f"(aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {self.name}). A new "
                "app can have another spec.stackName instead, which is fixed once the app exists",
            )
        if row.get("DeletedDate"):
            client.restore_secret(SecretId=row["ARN"])
        found = Observed(type(self), self.name, row["ARN"], _attributes(row), tags, component=self.component)
        changed = frozenset(change.field for change in self.diff(found))
        return self.update(cloud, found, changed) if changed else found

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Write what differs, with a call for each. The rotation ends first: it writes values of its own."""
        client, version = cloud.client("secretsmanager"), observed.attrs["version"]
        if "rotation" in changed:
            client.cancel_rotate_secret(SecretId=observed.id)
        if changed & {"description", "key"}:
            client.update_secret(SecretId=observed.id, Description=self.description, KmsKeyId=self.key)
        if "value" in changed:
            version = self.desired_version()
            make_current(cloud, observed.attrs, version, self._content)
        if "tags" in changed:
            retag(
                self,
                observed,
                lambda keys: client.untag_resource(SecretId=observed.id, TagKeys=keys),
                lambda: client.tag_resource(SecretId=observed.id, Tags=tag_list(self.tags)),
            )
        versions = tuple({*observed.attrs["versions"], version})
        return self.as_desired(observed, value=HIDDEN, version=version, versions=versions)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it immediately and for good: a recovery window would block its name for a recreated stack."""
        client = cloud.client("secretsmanager")
        return gone(lambda: client.delete_secret(SecretId=observed.id, ForceDeleteWithoutRecovery=True))


def _described(reader: Reader, name: str) -> Mapping[str, Any] | None:
    """Read one secret by name, or None: always up to date, and including secrets scheduled for deletion."""
    return reader.if_present(FRESH, "secretsmanager", "describe_secret", SecretId=name)


def _attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a secret. ListSecrets and DescribeSecret have different keys for its version labels."""
    labels = row.get("SecretVersionsToStages") or row.get("VersionIdsToStages") or {}
    return {
        "id": row["ARN"],
        "arn": row["ARN"],
        "description": row.get("Description", ""),
        "value": HIDDEN,
        "key": row.get("KmsKeyId") or _DEFAULT_KEY,
        "rotation": row.get("RotationEnabled", False),
        "version": _labelled(labels, CURRENT),
        "pending": _labelled(labels, PENDING),
        # One without a label counts as removed, and AWS does remove it some time: API reference, DescribeSecret.
        "versions": tuple(sorted(version for version, stages in labels.items() if stages)),
    }


def _labelled(labels: Mapping[str, Sequence[str]], label: str) -> str:
    return next((version for version, stages in labels.items() if label in stages), "")


def make_current(
    cloud: Cloud,
    attrs: Mapping[str, Any],
    version: str,
    value: Callable[[], Sensitive],
    labels: Sequence[str] = (CURRENT,),
) -> None:
    """Make a version current, writing it first, with its labels, if it is not listed.

    A version without a label is not listed, but may exist: AWS then ignores the write and moves no label.
    """
    client, secret = cloud.client("secretsmanager"), attrs["arn"]
    if version not in attrs["versions"]:
        answer = client.put_secret_value(
            SecretId=secret, ClientRequestToken=version, SecretString=value().reveal(), VersionStages=list(labels)
        )
        if CURRENT in answer.get("VersionStages", (CURRENT,)):
            return
    origin = {"RemoveFromVersionId": attrs["version"]} if attrs["version"] else {}
    client.update_secret_version_stage(SecretId=secret, VersionStage=CURRENT, MoveToVersionId=version, **origin)

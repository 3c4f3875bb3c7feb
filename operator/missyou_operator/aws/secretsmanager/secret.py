"""Secrets. Behaviour: Secrets Manager API reference, CreateSecret and PutSecretValue.

Values are written, but never read for comparison: see `values`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Client, Cloud, Reader, pages
from missyou_operator.aws.errors import code_of, gone, is_absent
from missyou_operator.aws.identity import STACK_TAG, owner_of, tag_list, tag_map
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.secretsmanager.values import (
    READ_PASSWORD,
    complete,
    database_password,
    derived,
    generated,
    initial,
)
from missyou_operator.aws.tags import retag
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource
from missyou_operator.engine.values import UNKNOWN, Ref, Sensitive, is_known

#: Not the exact names: AWS appends six characters to the ARN, which a secret does not have before it exists.
_NAMES = ("secretsmanager:secret:{stack}/*",)

#: The placeholder for the value in an observation, which is not read.
_HIDDEN = Sensitive("")
_STARS = repr(_HIDDEN)
#: The label of the version that readers get.
_CURRENT = "AWSCURRENT"
#: The key of Secrets Manager itself, which encrypts a secret without a key of its own. Nobody needs rights to it.
_DEFAULT_KEY = "alias/aws/secretsmanager"


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
        observe("secretsmanager:DescribeSecret", on=_NAMES),
        change("secretsmanager:CancelRotateSecret", on=_NAMES),
        make("secretsmanager:CreateSecret", "secretsmanager:TagResource", on=_NAMES),
        change("secretsmanager:UpdateSecret", "secretsmanager:RestoreSecret", "secretsmanager:DeleteSecret", on=_NAMES),
        change("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage", on=_NAMES),
        change("secretsmanager:UntagResource", on=_NAMES),
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
        client = reader.client("secretsmanager")
        rows = reader.shared(
            "secretsmanager.list_secrets",
            lambda: pages(client, "list_secrets", "SecretList", Filters=[{"Key": "tag-key", "Values": [STACK_TAG]}]),
        )
        rows = reader.named(cls.TYPE, rows, "Name")
        listed = {row["Name"] for row in rows}
        expected = reader.desired_names(cls.TYPE) or reader.names(cls.TYPE)
        unlisted = [name for name in expected if name not in listed and "*" not in name]
        rows += [row for row in (_describe(client, name) for name in unlisted) if row is not None]
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
        return self.as_created(row["ARN"], arn=row["ARN"], version=version, versions=(version,), value=_HIDDEN)

    def _content(self) -> Sensitive:
        return self.value if isinstance(self.value, Sensitive) else generated(self.username)

    def _recover(self, cloud: Cloud, refusal: ClientError) -> Observed:
        """Return the stack's own secret of this name, restored if need be. Errors: RefusedError, NotYetError."""
        client = cloud.client("secretsmanager")
        row = _describe(client, self.name)
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
            _make_current(cloud, observed.attrs, version, self._content)
        if "tags" in changed:
            retag(
                self,
                observed,
                lambda keys: client.untag_resource(SecretId=observed.id, TagKeys=keys),
                lambda: client.tag_resource(SecretId=observed.id, Tags=tag_list(self.tags)),
            )
        versions = tuple({*observed.attrs["versions"], version})
        return self.as_desired(observed, value=_HIDDEN, version=version, versions=versions)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it immediately and for good: a recovery window would block its name for a recreated stack."""
        client = cloud.client("secretsmanager")
        return gone(lambda: client.delete_secret(SecretId=observed.id, ForceDeleteWithoutRecovery=True))


@dataclass(frozen=True, kw_only=True)
class SecretVersion(Resource):
    """The complete version of `db_credentials`, with the database's endpoint and the URL built from it.

    It has no tags of its own, and is deleted with its secret.
    """

    TYPE: ClassVar[str] = "secretsmanager.SecretVersion"
    CHANGES_ON_UPDATE: ClassVar[frozenset[str]] = frozenset({"id", "version"})
    READ_AFTER: ClassVar[tuple[str, ...]] = ("secretsmanager.Secret",)
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("secretsmanager.Secret",)
    EFFECTS = Effects(Effect("PutSecretValue"), Effect("DeleteSecret"), update=Effect("PutSecretValue"))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        READ_PASSWORD,
        change("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage", on=_NAMES),
    )

    secret: str | Ref
    host: str | Ref
    port: int | Ref
    username: str
    database: str
    sslmode: str
    salt: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Derive it from the secrets already read. The first version, which lacks the endpoint, does not count."""
        first = initial(reader.stack.salt)
        return [
            Observed(
                cls,
                secret.name,
                secret.attrs["version"],
                {**secret.attrs, "id": secret.attrs["version"]},
                secret.tags,
                component=secret.component,
            )
            for secret in reader.found("secretsmanager.Secret")
            if secret.name in reader.names(cls.TYPE) and set(secret.attrs["versions"]) - {first}
        ]

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare the current version's id with that of the desired content."""
        known = is_known((self.secret, self.host, self.port))
        if known and observed.attrs["version"] == self.desired_version():
            return ()
        return (FieldChange("DATABASE_URL", _STARS, _STARS if known else repr(UNKNOWN)),)

    def desired_version(self) -> str:
        """Return the id of the version that holds the desired content."""
        where = (str(self.secret), str(self.host), str(self.port))
        return derived(self.salt, *where, self.username, self.database, self.sslmode)

    def create(self, cloud: Cloud) -> Observed:
        """Complete the credentials: read the password, write all of them."""
        first = initial(self.salt)
        return self._write(cloud, {"arn": self.secret, "version": first, "versions": (first,)})

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Write the desired content, or make it current again if a foreign version has replaced it."""
        return self._write(cloud, observed.attrs)

    def _write(self, cloud: Cloud, attrs: Mapping[str, Any]) -> Observed:
        version = self.desired_version()
        _make_current(cloud, attrs, version, lambda: self._content(cloud))
        return self.as_created(version, arn=self.secret, version=version, versions=(*attrs["versions"], version))

    def _content(self, cloud: Cloud) -> Sensitive:
        return complete(
            database_password(cloud, str(self.secret)),
            username=self.username,
            host=str(self.host),
            port=str(self.port),
            database=self.database,
            sslmode=self.sslmode,
        )

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:  # noqa: ARG003
        """Do nothing: it was deleted with its secret."""
        return READY


def _describe(client: Client, name: str) -> dict[str, Any] | None:
    """Read one secret by name, or None: always up to date, and including secrets scheduled for deletion."""
    try:
        row: dict[str, Any] = client.describe_secret(SecretId=name)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return row


def _attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a secret. ListSecrets and DescribeSecret have different keys for its version labels."""
    labels = row.get("SecretVersionsToStages") or row.get("VersionIdsToStages") or {}
    return {
        "id": row["ARN"],
        "arn": row["ARN"],
        "description": row.get("Description", ""),
        "value": _HIDDEN,
        "key": row.get("KmsKeyId") or _DEFAULT_KEY,
        "rotation": row.get("RotationEnabled", False),
        "version": next((version for version, stages in labels.items() if _CURRENT in stages), ""),
        "versions": tuple(sorted(labels)),
    }


def _make_current(cloud: Cloud, attrs: Mapping[str, Any], version: str, value: Callable[[], Sensitive]) -> None:
    """Make a version current, writing it first if it is not listed.

    A version without a label is not listed, but may exist: AWS then ignores the write and moves no label.
    """
    client, secret = cloud.client("secretsmanager"), attrs["arn"]
    if version not in attrs["versions"]:
        answer = client.put_secret_value(SecretId=secret, ClientRequestToken=version, SecretString=value().reveal())
        if _CURRENT in answer.get("VersionStages", (_CURRENT,)):
            return
    origin = {"RemoveFromVersionId": attrs["version"]} if attrs["version"] else {}
    client.update_secret_version_stage(SecretId=secret, VersionStage=_CURRENT, MoveToVersionId=version, **origin)

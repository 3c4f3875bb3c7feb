"""Secrets. Behaviour: Secrets Manager API reference, CreateSecret and PutSecretValue.

Values are written and never compared by reading them: see `values`.
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
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource
from missyou_operator.engine.values import UNKNOWN, Ref, Sensitive, is_known

#: Not by their names: AWS ends an ARN in six characters, which a secret that is not there does not have yet.
_NAMES = ("secretsmanager:secret:{stack}/*",)

#: Stands for a value in what was found: nobody read it.
_HIDDEN = Sensitive("")
_STARS = repr(_HIDDEN)
#: The label of the version that readers get.
_CURRENT = "AWSCURRENT"


@dataclass(frozen=True, kw_only=True)
class Secret(Resource):
    """A secret with a given value, or (`value` None) with credentials that are generated once, for `username`.

    `salt` goes into the version ids, so that they do not tell equal values from different ones to others.
    """

    TYPE: ClassVar[str] = "secretsmanager.Secret"
    COMPARED = compare("description", "value")
    CHANGES_ON_UPDATE: ClassVar[frozenset[str]] = frozenset({"version"})
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service", "rds.DBInstance")
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("secretsmanager:ListSecrets"),
        observe("secretsmanager:DescribeSecret", on=_NAMES),
        make("secretsmanager:CreateSecret", "secretsmanager:TagResource", on=_NAMES),
        change("secretsmanager:UpdateSecret", "secretsmanager:RestoreSecret", "secretsmanager:DeleteSecret", on=_NAMES),
        change("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage", on=_NAMES),
    )

    description: str
    value: Sensitive | Ref | None
    salt: str
    username: str = ""

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's secrets by name: all of the account that bear a stack's tag in one list.

        That list may lag behind by minutes, and has nothing of other owners: what is wanted and not listed is asked for
        by name, and where nothing is wanted, what is to be gone.
        """
        client = reader.client("secretsmanager")
        rows = reader.shared(
            "secretsmanager.list_secrets",
            lambda: pages(client, "list_secrets", "SecretList", Filters=[{"Key": "tag-key", "Values": [STACK_TAG]}]),
        )
        rows = reader.named(cls.TYPE, rows, "Name")
        shown = {row["Name"] for row in rows}
        expected = reader.desired_names(cls.TYPE) or reader.names(cls.TYPE)
        unlisted = [name for name in expected if name not in shown]
        rows += [row for row in (_describe(client, name) for name in unlisted) if row is not None]
        return [cls._observed(reader, row) for row in rows if not row.get("DeletedDate")]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        """Put an observation together from a row of ListSecrets or an answer of DescribeSecret."""
        return reader.observed(cls, row["Name"], row["ARN"], _attributes(row), tag_map(row.get("Tags")))

    def matches(self, name: str, observed: Observed) -> bool:
        """Compare a value by the id of the current version, derived from it; a generated one is always right."""
        if name == "value":
            return self.value is None or observed.attrs["version"] == self.wanted_version()
        return super().matches(name, observed)

    def wanted_version(self) -> str:
        """Return the id of the version that holds the value."""
        if isinstance(self.value, Sensitive):
            return derived(self.salt, self.value.fingerprint(self.salt))
        return initial(self.salt)

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its first version; where the name is scheduled for deletion, restore it if it was ours.

        Restored credentials keep their password: a database may use it.
        """
        version = self.wanted_version()
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
            return self._take_back(cloud, error)
        return self.as_created(row["ARN"], arn=row["ARN"], version=version, versions=(version,), value=_HIDDEN)

    def _content(self) -> Sensitive:
        return self.value if isinstance(self.value, Sensitive) else generated(self.username)

    def _take_back(self, cloud: Cloud, refusal: ClientError) -> Observed:
        """Find out why the name is taken. Errors: RefusedError, NotYetError, or the refusal itself."""
        client = cloud.client("secretsmanager")
        row = _describe(client, self.name)
        if row is None:
            message = f"the secret {self.name} was deleted a moment ago: AWS frees its name within minutes"
            raise NotYetError(Reason.CREATING, message) from refusal
        tags = tag_map(row.get("Tags"))
        if not cloud.stack.owns(tags):
            raise RefusedError(
                Reason.OWNED_ELSEWHERE,
                f"the secret {self.name} exists ({'scheduled for deletion, ' if row.get('DeletedDate') else ''}"
                f"{owner_of(tags) or 'owner unknown: it lacks our tags'}) and is left alone: delete it at once "
                f"(aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {self.name}), "
                "or choose another spec.stackName",
            )
        if row.get("DeletedDate"):
            client.restore_secret(SecretId=row["ARN"])
        found = Observed(type(self), self.name, row["ARN"], _attributes(row), tags, component=self.component)
        changed = frozenset(change.field for change in self.diff(found))
        return self.update(cloud, found, changed) if changed else found

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Write description, value and tags, each with a call of its own."""
        client, version = cloud.client("secretsmanager"), observed.attrs["version"]
        if "description" in changed:
            client.update_secret(SecretId=observed.id, Description=self.description)
        if "value" in changed:
            version = self.wanted_version()
            _make_current(cloud, observed.attrs, version, self._content)
        if "tags" in changed:
            client.tag_resource(SecretId=observed.id, Tags=tag_list(self.tags))
        versions = tuple({*observed.attrs["versions"], version})
        return self.as_desired(observed, value=_HIDDEN, version=version, versions=versions)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it at once and for good: a recovery window would keep its name from a stack that is made anew."""
        client = cloud.client("secretsmanager")
        return gone(lambda: client.delete_secret(SecretId=observed.id, ForceDeleteWithoutRecovery=True))


@dataclass(frozen=True, kw_only=True)
class SecretVersion(Resource):
    """The version of `db_credentials` that is complete: with the database's endpoint, and the URL made from it.

    It has no tags of its own, and goes with its secret.
    """

    TYPE: ClassVar[str] = "secretsmanager.SecretVersion"
    CHANGES_ON_UPDATE: ClassVar[frozenset[str]] = frozenset({"id", "version"})
    READ_AFTER: ClassVar[tuple[str, ...]] = ("secretsmanager.Secret",)
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("secretsmanager.Secret",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        READ_PASSWORD,
        change("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage", on=_NAMES),
    )

    secret: str | Ref
    host: str | Ref
    port: int | Ref
    username: str
    database: str
    salt: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Take what the look at the secret has found; the first version, which lacks the endpoint, does not count."""
        first = initial(reader.stack.token("secret"))
        return [
            reader.observed(cls, secret.name, secret.attrs["version"], _with_id(secret.attrs), secret.tags)
            for secret in reader.found("secretsmanager.Secret")
            if secret.name in reader.names(cls.TYPE) and set(secret.attrs["versions"]) - {first}
        ]

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare the current version's id with the one that the wanted content has."""
        known = is_known((self.secret, self.host, self.port))
        if known and observed.attrs["version"] == self.wanted_version():
            return ()
        return (FieldChange("DATABASE_URL", _STARS, _STARS if known else repr(UNKNOWN)),)

    def wanted_version(self) -> str:
        """Return the id of the version that holds the wanted content."""
        return derived(self.salt, str(self.secret), str(self.host), str(self.port), self.username, self.database)

    def create(self, cloud: Cloud) -> Observed:
        """Complete the credentials: read the password, write the whole."""
        first = initial(self.salt)
        return self._write(cloud, {"arn": self.secret, "version": first, "versions": (first,)})

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Write the wanted content, or make it current again where somebody else's has taken its place."""
        return self._write(cloud, observed.attrs)

    def _write(self, cloud: Cloud, attrs: Mapping[str, Any]) -> Observed:
        version = self.wanted_version()
        _make_current(cloud, attrs, version, lambda: self._content(cloud))
        return self.as_created(version, arn=self.secret, version=version, versions=(*attrs["versions"], version))

    def _content(self, cloud: Cloud) -> Sensitive:
        return complete(
            database_password(cloud, str(self.secret)),
            username=self.username,
            host=str(self.host),
            port=str(self.port),
            database=self.database,
        )

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:  # noqa: ARG003
        """Do nothing: it has gone with its secret."""
        return READY


def _with_id(attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {**attrs, "id": attrs["version"]}


def _describe(client: Client, name: str) -> dict[str, Any] | None:
    """Read one secret by name: always up to date, and shows what is scheduled for deletion. None if there is none."""
    try:
        row: dict[str, Any] = client.describe_secret(SecretId=name)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return row


def _attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes; the labels of versions have one name in a list and another in a description."""
    labels = row.get("SecretVersionsToStages") or row.get("VersionIdsToStages") or {}
    return {
        "id": row["ARN"],
        "arn": row["ARN"],
        "description": row.get("Description", ""),
        "value": _HIDDEN,
        "version": next((version for version, stages in labels.items() if _CURRENT in stages), ""),
        "versions": tuple(sorted(labels)),
    }


def _make_current(cloud: Cloud, attrs: Mapping[str, Any], version: str, value: Callable[[], Sensitive]) -> None:
    """Make a version the current one, written first if need be.

    A version without a label is not listed and may exist all the same: writing it again is ignored and moves no label.
    """
    client, secret = cloud.client("secretsmanager"), attrs["arn"]
    if version not in attrs["versions"]:
        answer = client.put_secret_value(SecretId=secret, ClientRequestToken=version, SecretString=value().reveal())
        if _CURRENT in answer.get("VersionStages", (_CURRENT,)):
            return
    origin = {"RemoveFromVersionId": attrs["version"]} if attrs["version"] else {}
    client.update_secret_version_stage(SecretId=secret, VersionStage=_CURRENT, MoveToVersionId=version, **origin)

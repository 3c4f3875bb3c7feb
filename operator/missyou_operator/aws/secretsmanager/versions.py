"""The versions of `db_credentials`: the complete one, which tasks read, and a password that the database gets next.

Behaviour: Secrets Manager API reference, PutSecretValue and UpdateSecretVersionStage. The labels are used as rotations
by Secrets Manager itself use them: Secrets Manager user guide, "How rotation works".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of, gone
from missyou_operator.aws.permissions import Grant, change
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.secretsmanager.secret import CURRENT, HIDDEN, NAMES, PENDING, make_current
from missyou_operator.aws.secretsmanager.values import (
    READ_PASSWORD,
    complete,
    derived,
    generated,
    initial,
    password_of,
    staged,
)
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource
from missyou_operator.engine.values import UNKNOWN, Ref, Sensitive, is_known

_STARS = repr(HIDDEN)


@dataclass(frozen=True, kw_only=True)
class SecretVersion(Resource):
    """The complete version of `db_credentials`, with the database's endpoint and the URL built from it.

    It has no tags of its own, and is deleted with its secret. `rotation` names the password that it is to hold, `held`
    the one that the database has: a version with another password would lock the tasks out that start with it.
    """

    TYPE: ClassVar[str] = "secretsmanager.SecretVersion"
    CHANGES_ON_UPDATE: ClassVar[frozenset[str]] = frozenset({"id", "version"})
    READ_AFTER: ClassVar[tuple[str, ...]] = ("secretsmanager.Secret",)
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("secretsmanager.Secret",)
    EFFECTS = Effects(Effect("PutSecretValue"), Effect("DeleteSecret"), update=Effect("PutSecretValue"))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        READ_PASSWORD,
        change("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage", on=NAMES),
    )

    secret: str | Ref
    host: str | Ref
    port: int | Ref
    username: str
    database: str
    sslmode: str
    salt: str
    rotation: str = ""
    held: str | Ref = ""

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
        return derived(self.salt, *where, self.username, self.database, self.sslmode, self.rotation)

    def create(self, cloud: Cloud) -> Observed:
        """Complete the credentials: read the password, write all of them."""
        first = initial(self.salt)
        return self._write(cloud, {"arn": self.secret, "version": first, "versions": (first,)})

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Write the desired content, or make it current again if a foreign version has replaced it."""
        return self._write(cloud, observed.attrs)

    def _write(self, cloud: Cloud, attrs: Mapping[str, Any]) -> Observed:
        if self.held != self.rotation:
            raise NotYetError("SettingPassword", f"{self.name} waits until the database has its next password", 30.0)
        version = self.desired_version()
        # The rotation ends with the call that makes its password the current one.
        labels = (CURRENT, PENDING) if self.rotation else (CURRENT,)
        make_current(cloud, attrs, version, lambda: self._content(cloud), labels)
        return self.as_created(version, arn=self.secret, version=version, versions=(*attrs["versions"], version))

    def _content(self, cloud: Cloud) -> Sensitive:
        return complete(
            password_of(cloud, str(self.secret), self.rotation),
            username=self.username,
            host=str(self.host),
            port=str(self.port),
            database=self.database,
            sslmode=self.sslmode,
            rotation=self.rotation,
        )

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:  # noqa: ARG003
        """Do nothing: it was deleted with its secret."""
        return READY


@dataclass(frozen=True, kw_only=True)
class StagedPassword(Resource):
    """The password that the database gets next, in a version of `db_credentials` with the label AWSPENDING.

    It is written before the database gets it. So whoever is refused with the current password finds the right one here,
    at every moment of a rotation. It ends when the label is on the current version; `rotation` is its name.
    """

    TYPE: ClassVar[str] = "secretsmanager.StagedPassword"
    READ_AFTER: ClassVar[tuple[str, ...]] = ("secretsmanager.Secret",)
    EFFECTS = Effects(
        Effect("PutSecretValue"), Effect("UpdateSecretVersionStage"), update=Effect("UpdateSecretVersionStage")
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        change("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage", on=NAMES),
    )

    secret: str | Ref
    username: str
    rotation: str
    salt: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Derive it from the secrets already read."""
        return [
            _label(secret.name, secret.id, secret.attrs["pending"], secret.tags, secret.component)
            for secret in reader.found("secretsmanager.Secret")
            if secret.name in reader.names(cls.TYPE) and secret.attrs["pending"] not in {"", secret.attrs["version"]}
        ]

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare the id of the version with the label with that of the rotation."""
        if observed.attrs["version"] == staged(self.salt, self.rotation):
            return ()
        return (FieldChange("password", _STARS, _STARS),)

    def create(self, cloud: Cloud) -> Observed:
        """Write the next password, unless it was written before: then its version gets the label again."""
        client, version, secret = cloud.client("secretsmanager"), staged(self.salt, self.rotation), str(self.secret)
        try:
            answer = client.put_secret_value(
                SecretId=secret,
                ClientRequestToken=version,
                SecretString=generated(self.username).reveal(),
                VersionStages=[PENDING],
            )
            labelled = PENDING in answer.get("VersionStages", (PENDING,))
        except ClientError as error:
            # No answer came the first time: the version is there, with another password than this one.
            if code_of(error) != "ResourceExistsException":
                raise
            labelled = False
        if not labelled:
            self._give_label(cloud, secret, version)
        return _label(self.name, secret, version, {}, self.component)

    @staticmethod
    def _give_label(cloud: Cloud, secret: str, version: str) -> None:
        client = cloud.client("secretsmanager")
        labels = client.describe_secret(SecretId=secret).get("VersionIdsToStages") or {}
        bearer = next((each for each, stages in labels.items() if PENDING in stages), "")
        if bearer != version:
            origin = {"RemoveFromVersionId": bearer} if bearer else {}
            client.update_secret_version_stage(SecretId=secret, VersionStage=PENDING, MoveToVersionId=version, **origin)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Give the label to the right version."""
        return self.create(cloud)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Take the label from a version that no rotation needs, or needs no more."""
        client, version = cloud.client("secretsmanager"), observed.attrs["version"]

        def take() -> None:
            try:
                client.update_secret_version_stage(
                    SecretId=observed.attrs["secret"], VersionStage=PENDING, RemoveFromVersionId=version
                )
            except ClientError as error:
                # The label is on another version by now.
                if code_of(error) != "InvalidParameterException":
                    raise

        return gone(take)


def _label(name: str, secret: str, version: str, tags: Mapping[str, str], component: str) -> Observed:
    # The version's own ID is an attribute of the secret, which would count as something that uses it.
    attrs = {"id": f"{PENDING} {version}", "secret": secret, "version": version}
    return Observed(StagedPassword, name, attrs["id"], attrs, tags, component=component)

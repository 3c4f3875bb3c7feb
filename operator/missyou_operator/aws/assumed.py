"""The temporary credentials of a role that the operator assumes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import ClientError

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.tenant_session import external_id, session_name, session_tags, source_identity

#: Seconds until a refused role is tried again: at first, and at most. Who corrects a trust policy waits no longer.
_FIRST, _LATEST = 5.0, 60.0
#: STS answers these while nothing is wrong with the role. Source: STS API reference, "Common Errors".
_PASSING = ("Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable", "InternalFailure")


@dataclass(frozen=True, slots=True)
class Identity:
    """A role, and how the operator's sessions of it are called. Without a role it is the operator's own identity.

    `external_id`, `source` (SourceIdentity) and `tags` (session tags) are passed where they are not empty.
    """

    role: str = ""
    external_id: str = ""
    session: str = "missyou-operator"
    source: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @classmethod
    def chosen(cls, role: str, external_id_: str, namespace: str, name: str) -> Identity:
        """Return the identity for an app by the role and external ID that its spec names."""
        return cls(role, external_id_, session_name(namespace, name))

    @classmethod
    def granted(cls, role: str, cluster: str, namespace: str, name: str) -> Identity:
        """Return the identity for an app by a tenant's role. No app chooses anything of it."""
        tags = tuple(session_tags(cluster, namespace, name).items())
        external, session = external_id(cluster, namespace), session_name(namespace, name)
        return cls(role, external, session, source_identity(namespace), tags)


class Assumed:
    """The sessions of one identity, renewed before they end. Thread-safe.

    `sts` returns the client of STS that signs with the operator's own credentials.
    """

    def __init__(self, identity: Identity, sts: Callable[[], Any]) -> None:
        self.identity, self._sts = identity, sts
        self._lock = threading.RLock()
        self._session: RefreshableCredentials | None = None
        #: Why AWS last refused the role, and until when (monotonic seconds) it is not asked again.
        self._refusal: tuple[ClientError, float] | None = None
        self.pause = _FIRST

    @property
    def refused(self) -> bool:
        """Whether AWS has refused the role when it was last asked."""
        return self._refusal is not None

    def credentials(self) -> ReadOnlyCredentials:
        """Return the keys of a session that lasts some minutes more. Errors: those of AssumeRole."""
        with self._lock:
            if self._refusal is not None and seconds() < self._refusal[1]:
                raise self._refusal[0].with_traceback(None)
            if self._session is None:
                self._session = RefreshableCredentials.create_from_metadata(
                    self._assume(), refresh_using=self._assume, method="assume-role"
                )
        return self._session.get_frozen_credentials()

    def _assume(self) -> dict[str, str]:
        who = self.identity
        optional = {
            "ExternalId": who.external_id,
            "SourceIdentity": who.source,
            "Tags": [{"Key": key, "Value": value} for key, value in who.tags],
        }
        given = {name: value for name, value in optional.items() if value}
        try:
            answer = self._sts().assume_role(RoleArn=who.role, RoleSessionName=who.session, **given)["Credentials"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _PASSING:
                self._refuse(error)
            raise
        self._refusal, self.pause = None, _FIRST
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": answer["Expiration"].isoformat(),
        }

    def _refuse(self, error: ClientError) -> None:
        # A copy: the one that is raised holds on to the frames that it went through.
        self._refusal = ClientError(error.response, error.operation_name), seconds() + self.pause
        self.pause = min(self.pause * 2, _LATEST)

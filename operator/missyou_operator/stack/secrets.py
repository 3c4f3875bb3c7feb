"""Secrets Manager: database credentials, Google API key, Firebase service account, variables of `service.envFrom`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from missyou_operator.api import AppSpec
from missyou_operator.api.components import Component
from missyou_operator.api.conditions import Reason
from missyou_operator.api.sections import SecretKey, SecretSource
from missyou_operator.aws.secretsmanager.secret import Secret
from missyou_operator.engine.external import External
from missyou_operator.engine.resource import READY, Health, Observed, pending
from missyou_operator.engine.values import UNCHANGED, Ref
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context

#: What Kubernetes writes before the namespace and the name of a ServiceAccount.
_ACCOUNTS = "system:serviceaccount:"
#: Secrets Manager API reference, CreateSecret: SecretString.
_MAX_BYTES = 65_536


class NotOpaqueError(Exception):
    """A Secret of another type than Opaque: a token, a TLS key, a registry's password. None of them is for an app."""

    def __init__(self, type_: str) -> None:
        super().__init__(type_)
        self.type = type_


@dataclass(frozen=True, kw_only=True)
class KubernetesSecret(External):
    """One key of a Kubernetes Secret. The pass reads it, and observes it with an attribute `value`."""

    TYPE = "kubernetes.Secret"

    secret: str
    key: str

    def forbidden(self, namespace: str, user: str) -> Health:
        """Explain how the namespace opts in with this one Secret. `user` is the operator's name to the API server."""
        account = user.removeprefix(_ACCOUNTS)
        subject = f"--user={user}" if account == user else f"--serviceaccount={account}"
        name = f"missyou-operator-{self.secret}"
        return pending(
            Reason.SECRET_FORBIDDEN,
            f"the operator may not read the Secret {self.secret}: let it read this one with "
            f"kubectl create role {name} -n {namespace} --verb=get --resource=secrets --resource-name={self.secret} "
            f"&& kubectl create rolebinding {name} -n {namespace} --role={name} {subject}",
        )

    def not_opaque(self, namespace: str, type_: str) -> Health:
        """Explain that a Secret is of a type that no app is given."""
        return pending(
            Reason.SECRET_INVALID,
            f"the Secret {self.secret} is of the type {type_}, and apps get values of Opaque Secrets only: name one "
            f"that is made with kubectl create secret generic NAME -n {namespace} --from-literal={self.key}=VALUE",
        )

    def unusable(self, namespace: str, data: Mapping[str, str | None] | None) -> Health | None:
        """Explain why the data of the Secret gives no value, and what to do; None where it gives one.

        It takes no change of the spec, so the stack goes on by itself. `data` is None where there is no Secret; a value
        is None where it is not text.
        """
        if data is None:
            why, remedy = f"there is no Secret {self.secret} in the namespace {namespace}", self._created(namespace)
            return pending(Reason.SECRET_NOT_FOUND, f"{why}: {remedy}")
        if self.key not in data:
            names = ", ".join(sorted(data)) or "none"
            why, remedy = f"the Secret {self.secret} has no key {self.key}, only {names}", self._set(namespace)
            return pending(Reason.SECRET_NOT_FOUND, f"{why}: {remedy}")
        value = data[self.key]
        if value is None:
            fault = (
                "is not UTF-8 text, and tasks get it as an environment variable; store it as text, Base64 for example"
            )
        elif not value:
            fault = "is empty"
        elif "\0" in value:
            fault = "contains a NUL byte, which no environment variable can hold"
        elif len(value.encode()) > _MAX_BYTES:
            fault = f"is longer than the {_MAX_BYTES:,} bytes that Secrets Manager takes"
        else:
            return None
        remedy = f"the value of {self.key} in the Secret {self.secret} {fault}. Set another: {self._set(namespace)}"
        return pending(Reason.SECRET_INVALID, remedy)

    def _created(self, namespace: str) -> str:
        return f"kubectl create secret generic {self.secret} -n {namespace} --from-literal={self.key}=VALUE"

    def _set(self, namespace: str) -> str:
        data = json.dumps({"stringData": {self.key: "VALUE"}})
        return f"kubectl patch secret {self.secret} -n {namespace} --type=merge -p '{data}'"

    def health(self, observed: Observed) -> Health:
        """Return ready; with the reason and a note where only the value that was taken over before is left."""
        why: Health | None = observed.attrs.get("why")
        if why is None:
            return READY
        return Health("ready", why.reason, f"the value taken over before stays in use; {why.message}")


def taken_over(key: KubernetesSecret, why: Health) -> Observed:
    """Return the observation of a Secret that gives no value any more, `why`, where AWS has the one it gave before."""
    return Observed(KubernetesSecret, key.name, key.name, {"value": UNCHANGED, "why": why})


@dataclass(frozen=True, slots=True)
class SecretVariable:
    """One secret environment variable.

    ECS reads `key` of the secret `arn`. `version` changes when the value does. `readable` is the ARN, or the pattern of
    one, that the execution role must be allowed to read.
    """

    arn: str | Ref
    readable: str
    key: str = ""
    version: Ref | None = None


def database_credentials(ctx: Context) -> Secret:
    """Declare the secret with the generated password, which the database's endpoint completes."""
    return ctx.graph.add(
        Secret(
            **ctx.named(Component.SECRETS)(naming.CREDENTIALS),
            description=f"Database credentials of {ctx.stack.app}",
            value=None,
            username=ctx.app.database.username,
            salt=ctx.stack.salt,
        )
    )


def readable_arn(ctx: Context, name: str) -> str:
    """Return the ARN by which a policy can name a secret before it exists.

    Secrets Manager appends six characters of its own. As ?????? they neither make the role wait for the secret nor
    break it when the secret is created anew.
    """
    return ctx.stack.arn("secretsmanager", f"secret:{name}-??????")


def api_secrets(ctx: Context) -> dict[str, SecretVariable]:
    """Declare the secrets whose values the spec refers to, by the environment variables that they become."""
    return {variable: _variable(ctx, pattern, source) for variable, pattern, source in _given(ctx.app)}


def kubernetes_secrets(app: AppSpec) -> dict[str, KubernetesSecret]:
    """Declare the Kubernetes Secrets to read, by the name's pattern of the AWS secret that each becomes."""
    return {pattern: _origin(pattern, key) for _, pattern, source in _given(app) if (key := source.secret_key_ref)}


def _given(app: AppSpec) -> Iterator[tuple[str, str, SecretSource]]:
    """List the secrets that the spec names: variable, pattern of the AWS secret's name, source.

    Each variable has a secret of its own. In one for all, a Kubernetes Secret that cannot be read would hold up the
    variables of the others.
    """
    if (google := app.secrets.google_api_key) is not None:
        yield "GOOGLE_API_KEY", naming.GOOGLE_API_KEY, google
    if (firebase := app.secrets.firebase_service_account) is not None:
        yield "FIREBASE_SERVICE_ACCOUNT_KEY", naming.FIREBASE_KEY, firebase
    for variable, key in sorted(app.service.env_from.items()):
        yield variable, naming.VARIABLES.replace("*", variable), SecretSource(secret_key_ref=key)


def _origin(pattern: str, key: SecretKey) -> KubernetesSecret:
    name = f"{key.name}:{key.key}:{pattern.partition('/')[2]}"
    return KubernetesSecret(name=name, component=Component.SECRETS.value, secret=key.name, key=key.key)


def _variable(ctx: Context, pattern: str, source: SecretSource) -> SecretVariable:
    if (key := source.secret_key_ref) is None:
        arn = source.secret_arn or ""
        return SecretVariable(arn, arn)
    origin = ctx.graph.add(_origin(pattern, key))
    secret = ctx.graph.add(
        Secret(
            **ctx.named(Component.SECRETS)(pattern),
            description=f"From the Kubernetes Secret {key.name} of {ctx.stack.app}",
            value=origin.ref("value"),
            salt=ctx.stack.salt,
        )
    )
    # One pattern for all variables: a role's policy has room for no more than some dozens of ARNs.
    variables = ctx.stack.fill(naming.VARIABLES)
    readable = readable_arn(ctx, variables if fnmatchcase(secret.name, variables) else secret.name)
    return SecretVariable(secret.ref("arn"), readable, version=secret.ref("version"))

"""Secrets Manager (secrets.tf): database credentials, Google API key, Firebase service account."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api.components import Component
from missyou_operator.api.sections import SecretSource
from missyou_operator.aws.secretsmanager.secret import Secret
from missyou_operator.engine.external import External
from missyou_operator.engine.resource import Health, pending
from missyou_operator.engine.values import Ref
from missyou_operator.stack.context import Context

#: What Kubernetes writes before the namespace and the name of a ServiceAccount.
_ACCOUNTS = "system:serviceaccount:"


@dataclass(frozen=True, kw_only=True)
class KubernetesSecret(External):
    """One key of a Kubernetes Secret; whoever can read it puts it into the world with an attribute `value`."""

    TYPE = "kubernetes.Secret"

    secret: str
    key: str

    def forbidden(self, namespace: str, user: str) -> Health:
        """Say how the namespace opts in. `user` is the operator's name, as the API server writes it."""
        account = user.removeprefix(_ACCOUNTS)
        subject = f"--user={user}" if account == user else f"--serviceaccount={account}"
        return pending(
            "SecretForbidden",
            f"the operator may not read the Secret {self.secret}: namespaces opt in by "
            f"kubectl create rolebinding missyou-operator-secrets -n {namespace} "
            f"--clusterrole=missyou-operator-secrets {subject}",
        )

    def missing(self) -> Health:
        """Say what to create. Nobody need change the spec for it, so the stack goes on by itself."""
        return pending(
            "SecretNotFound",
            f"there is no Secret {self.secret} with a key {self.key} in the namespace of the MissYouApp: "
            f"kubectl create secret generic {self.secret} --from-literal={self.key}=…",
        )


@dataclass(frozen=True, slots=True)
class SecretVariable:
    """One secret environment variable.

    `arn` and `key` say whence ECS takes it, `version` changes when its value does, and `readable` is the ARN (or
    pattern) that the execution role must be allowed to read.
    """

    arn: str | Ref
    readable: str
    key: str = ""
    version: Ref | None = None


def database_credentials(ctx: Context) -> Secret:
    """Declare the secret that holds the generated password; it is completed once the endpoint is known."""
    return ctx.graph.add(
        Secret(
            **ctx.named(Component.SECRETS, full=f"{ctx.stack.name}/db_credentials"),
            description=f"Database credentials of {ctx.stack.app}",
            value=None,
            username=ctx.app.database.username,
            salt=ctx.stack.token("secret"),
        )
    )


def readable_arn(ctx: Context, name: str) -> str:
    """Give the ARN as a policy names it before the secret exists.

    Secrets Manager appends six characters of its own; as ?????? they neither make the role wait for the secret nor
    break it when the secret is made anew.
    """
    return ctx.stack.arn("secretsmanager", f"secret:{name}-??????")


def api_secrets(ctx: Context) -> dict[str, SecretVariable]:
    """Declare the secrets whose values come from outside, by the environment variable that they become."""
    wanted = {
        "GOOGLE_API_KEY": ("google_api_key", ctx.app.secrets.google_api_key),
        "FIREBASE_SERVICE_ACCOUNT_KEY": ("firebase_key", ctx.app.secrets.firebase_service_account),
    }
    return {
        variable: _variable(ctx, suffix, source) for variable, (suffix, source) in wanted.items() if source is not None
    }


def _variable(ctx: Context, suffix: str, source: SecretSource) -> SecretVariable:
    if (key := source.secret_key_ref) is None:
        arn = source.secret_arn or ""
        return SecretVariable(arn, arn)
    origin = ctx.graph.add(
        KubernetesSecret(
            name=f"{key.name}:{key.key}:{suffix}",
            component=Component.SECRETS.value,
            secret=key.name,
            key=key.key,
        )
    )
    name = f"{ctx.stack.name}/{suffix}"
    secret = ctx.graph.add(
        Secret(
            **ctx.named(Component.SECRETS, full=name),
            description=f"From the Kubernetes Secret {key.name} of {ctx.stack.app}",
            value=origin.ref("value"),
            salt=ctx.stack.token("secret"),
        )
    )
    return SecretVariable(secret.ref("arn"), readable_arn(ctx, name), version=secret.ref("version"))

"""The rules on `service.env` and `service.envFrom`: names that are taken, and what ECS can store of the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from missyou_operator.api import aws_rules as aws
from missyou_operator.api.rules import Rule, cel_list, cel_text, keys_match

#: Set by the task definition itself (the table in the summary of the Terraform project).
STACK_VARIABLES = ("DATABASE_SECRET", "DATABASE_URL", "DEBUG", "FIREBASE_SERVICE_ACCOUNT_KEY", "GOOGLE_API_KEY", "PORT")
_NAME_MAX = 128
#: The name of a secret in AWS ends in the variable's, and the task definition names both.
_SECRET_NAME_MAX = 64
#: Entries of `service.envFrom`: see `aws_rules.VARIABLES_SIZE_MAX`.
SECRETS_MAX = 30


def _taken(names: Sequence[str], instead: str) -> Rule:
    """Refuse names that are set by somebody else; the message lists them."""

    def check(env: Mapping[str, object]) -> str | None:
        found = [name for name in names if name in env]
        return f"{instead}: {found}" if found else None

    return Rule(
        cel=f"{cel_list(names)}.all(k, !(k in self))",
        message_cel=f"{cel_text(instead + ': %s')}.format([{cel_list(names)}.filter(k, k in self)])",
        forbidden=True,
        check=check,
    )


def _size(env: Mapping[str, str]) -> int:
    return sum(aws.VARIABLE_FRAME + len(name) + aws.json_size(value) for name, value in env.items())


_CEL_GROWTH = "".join(f" + {by} * self[k].findAll({cel_text(pattern)}).size()" for pattern, by in aws.ESCAPES)
_CEL_SIZE = f"self.map(k, {aws.VARIABLE_FRAME} + k.size() + self[k].size(){_CEL_GROWTH}).sum()"


def _names(field: str, longest: int) -> tuple[Rule, ...]:
    """Return the rules on the names of a field of `service`."""
    return (
        keys_match(
            f"[A-Za-z_][A-Za-z0-9_]{{0,{longest - 1}}}",
            f"names must be letters, digits and underscores, not start with a digit, and have at most {longest} "
            "characters",
        ),
        _taken(
            STACK_VARIABLES,
            f"the stack sets these variables: use service.port, service.debug or secrets, and remove from {field}",
        ),
        _taken(aws.ECS_VARIABLES, f"ECS sets these variables in each task: remove from {field}"),
    )


ENV_FROM_RULES = _names("envFrom", _SECRET_NAME_MAX)
#: ECS refuses a variable that is both. Source: ECS API reference, ContainerDefinition, secrets.
ENV_APART = Rule(
    cel="!has(self.env) || !has(self.envFrom) || self.envFrom.all(k, !(k in self.env))",
    message="a variable is set in env or comes from a Secret, not both: remove it from env",
    path=".envFrom",
    holds=lambda service: service.env_from.keys().isdisjoint(service.env),
)
ENV_RULES = (
    *_names("env", _NAME_MAX),
    Rule(
        cel=f"self.size() <= {aws.VARIABLES_MAX}",
        message=f"must have at most {aws.VARIABLES_MAX} variables, since ECS takes 100 and the stack sets three: join "
        "several into one value, or read them from a file in the image",
        holds=lambda env: len(env) <= aws.VARIABLES_MAX,
    ),
    # RegisterTaskDefinition drops them without a word: github.com/hashicorp/terraform-provider-aws, issue 39533.
    Rule(
        cel="self.all(k, self[k] != '')",
        message="ECS drops variables with an empty value: remove them from env (the app finds them unset), or give "
        "them a value",
        holds=lambda env: all(env.values()),
    ),
    # No process can have it in its environment.
    Rule(
        cel=r"self.all(k, !self[k].contains('\x00'))",
        message="values must not contain NUL characters: remove them",
        holds=lambda env: not any("\0" in value for value in env.values()),
    ),
    Rule(
        cel=f"{_CEL_SIZE} <= {aws.VARIABLES_SIZE_MAX}",
        message=f"names and values must take at most {aws.VARIABLES_SIZE_MAX // 1024} KiB together, written as JSON, "
        "since ECS stores 64 KiB a task definition: move large values into the image, or into a store that the app "
        "reads",
        holds=lambda env: _size(env) <= aws.VARIABLES_SIZE_MAX,
    ),
)

"""What Secrets Manager refuses, and the nearest that it accepts."""

from __future__ import annotations

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold, steps

DAY = 86_400


def _secret(s: Place) -> str:
    return str(s.keep("arn", s.aws.secretsmanager.create_secret(Name=s.name, SecretString="x")["ARN"]))


def _doomed(s: Place) -> None:
    _secret(s)
    s.aws.secretsmanager.delete_secret(SecretId=s.name, RecoveryWindowInDays=7)


def _restored(then: Act) -> Act:
    return steps(lambda s: s.aws.secretsmanager.restore_secret(SecretId=s.name), then)


def _on_doomed(operation: str, call: Act) -> Rule:
    return Rule(
        f"secretsmanager:{operation}",
        "the secret is scheduled for deletion",
        "InvalidRequestException",
        f"API {operation}",
        call,
        _restored(call),
        _doomed,
    )


def _create(s: Place) -> None:
    s.aws.secretsmanager.create_secret(Name=s.name, SecretString="x")


def _put(value: str, *labels: str, version: str = "a") -> Act:
    """Write a version of the secret, named by a letter, with labels."""
    stages = {"VersionStages": list(labels)} if labels else {}
    return lambda s: s.aws.secretsmanager.put_secret_value(
        SecretId=s.kept["arn"], SecretString=value, ClientRequestToken=version * 32, **stages
    )


RULES = [
    Rule(
        "secretsmanager:CreateSecret",
        "the name is taken",
        "ResourceExistsException",
        "API CreateSecret",
        _create,
        lambda s: s.aws.secretsmanager.create_secret(Name=s.name + "-2", SecretString="x"),
        _create,
    ),
    Rule(
        "secretsmanager:CreateSecret",
        "a secret of this name is in its recovery window",
        "InvalidRequestException",
        "API DeleteSecret; aws-behaviour 4.1",
        steps(lambda s: s.aws.clock.advance(7 * DAY - 60), _create),
        steps(lambda s: s.aws.clock.advance(60), _create),
        _doomed,
        words="already scheduled for deletion",
    ),
    Rule(
        "secretsmanager:CreateSecret",
        "a character in the name",
        "ValidationException",
        "API CreateSecret",
        lambda s: s.aws.secretsmanager.create_secret(Name=f"{s.name} x", SecretString="x"),
        lambda s: s.aws.secretsmanager.create_secret(Name=f"{s.name}/x_+=.@-", SecretString="x"),
    ),
    Rule(
        "secretsmanager:CreateSecret",
        "a value of more than 65 536 bytes",
        "ValidationException",
        "API CreateSecret",
        lambda s: s.aws.secretsmanager.create_secret(Name=s.name, SecretString="x" * 65_537),
        lambda s: s.aws.secretsmanager.create_secret(Name=s.name, SecretString="x" * 65_536),
    ),
    Rule(
        "secretsmanager:DeleteSecret",
        "a recovery window of less than 7 days",
        "InvalidParameterException",
        "API DeleteSecret",
        lambda s: s.aws.secretsmanager.delete_secret(SecretId=s.name, RecoveryWindowInDays=6),
        lambda s: s.aws.secretsmanager.delete_secret(SecretId=s.name, RecoveryWindowInDays=7),
        _secret,
    ),
    Rule(
        "secretsmanager:DeleteSecret",
        "a recovery window of more than 30 days",
        "InvalidParameterException",
        "API DeleteSecret",
        lambda s: s.aws.secretsmanager.delete_secret(SecretId=s.name, RecoveryWindowInDays=31),
        lambda s: s.aws.secretsmanager.delete_secret(SecretId=s.name, RecoveryWindowInDays=30),
        _secret,
    ),
    Rule(
        "secretsmanager:DeleteSecret",
        "a recovery window, and none",
        "InvalidParameterException",
        "API DeleteSecret",
        lambda s: s.aws.secretsmanager.delete_secret(
            SecretId=s.name, RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True
        ),
        lambda s: s.aws.secretsmanager.delete_secret(SecretId=s.name, ForceDeleteWithoutRecovery=True),
        _secret,
    ),
    _on_doomed("GetSecretValue", lambda s: s.aws.secretsmanager.get_secret_value(SecretId=s.name)),
    _on_doomed(
        "PutSecretValue",
        lambda s: s.aws.secretsmanager.put_secret_value(SecretId=s.kept["arn"], SecretString="y"),
    ),
    Rule(
        "secretsmanager:PutSecretValue",
        "the version is there, with another value",
        "ResourceExistsException",
        "API PutSecretValue: ClientRequestToken",
        _put("y", "AWSPENDING"),
        _put("x", "AWSPENDING"),
        steps(_secret, _put("x", "AWSPENDING")),
    ),
    _on_doomed("UpdateSecret", lambda s: s.aws.secretsmanager.update_secret(SecretId=s.name, Description="y")),
    _on_doomed(
        "TagResource",
        lambda s: s.aws.secretsmanager.tag_resource(SecretId=s.name, Tags=[{"Key": "a", "Value": "b"}]),
    ),
    _on_doomed("UntagResource", lambda s: s.aws.secretsmanager.untag_resource(SecretId=s.name, TagKeys=["a"])),
    _on_doomed("DeleteSecret", lambda s: s.aws.secretsmanager.delete_secret(SecretId=s.name)),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def _labels(s: Place) -> dict[str, list[str]]:
    """Return the labels of the secret's versions that have any, by the first letter of the version."""
    found = s.aws.secretsmanager.describe_secret(SecretId=s.kept["arn"])["VersionIdsToStages"]
    return {version[0]: sorted(labels) for version, labels in found.items() if labels}


def test_a_label_is_on_one_version_and_awsprevious_follows_awscurrent(aws: Aws, name: str) -> None:
    """API PutSecretValue (VersionStages): a label moves to the new version; AWSCURRENT, where none is named."""
    s = Place(aws, name)
    made = aws.secretsmanager.create_secret(Name=name, SecretString="1", ClientRequestToken="a" * 32)
    s.keep("arn", made["ARN"])
    _put("2", "AWSPENDING", version="b")(s)
    assert _labels(s) == {"a": ["AWSCURRENT"], "b": ["AWSPENDING"]}
    assert aws.secretsmanager.get_secret_value(SecretId=name)["SecretString"] == "1"
    _put("3", "AWSPENDING", version="c")(s)
    assert _labels(s) == {"a": ["AWSCURRENT"], "c": ["AWSPENDING"]}
    _put("4", version="d")(s)
    assert _labels(s) == {"a": ["AWSPREVIOUS"], "c": ["AWSPENDING"], "d": ["AWSCURRENT"]}
    # Written again it changes nothing, and says which labels the version has.
    assert _put("3", "AWSPENDING", version="c")(s)["VersionStages"] == ["AWSPENDING"]  # type: ignore[index]
    _put("5", "AWSCURRENT", "AWSPENDING", version="e")(s)
    assert _labels(s) == {"d": ["AWSPREVIOUS"], "e": ["AWSCURRENT", "AWSPENDING"]}
    read = {stage: aws.secretsmanager.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"]
            for stage in ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")}  # fmt: skip
    assert read == {"AWSCURRENT": "5", "AWSPENDING": "5", "AWSPREVIOUS": "4"}

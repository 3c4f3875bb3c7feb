"""The catalogue of reasons is complete, has nothing else, and is what docs/troubleshooting.md shows."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import pytest
from botocore import xform_name
from botocore.session import get_session

from missyou_operator.api.components import Component
from missyou_operator.api.conditions import Reason
from missyou_operator.api.reasons import CATALOGUE, explanation
from missyou_operator.aws.rds.states import health_of
from tests.reasons import aws_commands, reasons
from tools.troubleshooting import PAGE, page

#: The states of an RDS instance: Amazon RDS User Guide, "Viewing Amazon RDS DB instance status".
RDS_STATES = (
    "available backing-up creating deleting failed inaccessible-encryption-credentials incompatible-create "
    "inaccessible-encryption-credentials-recoverable incompatible-network incompatible-option-group "
    "incompatible-parameters incompatible-restore insufficient-capacity maintenance modifying rebooting renaming "
    "resetting-master-credentials restore-error starting stopped stopping storage-full storage-optimization "
    "storage-initialization upgrading"
)


def test_every_reason_in_the_code_is_explained() -> None:
    given = reasons() | {reason.value for reason in Reason} | {f"WaitingFor{component}" for component in Component}
    given |= {health_of("db", state, reachable=False).reason for state in RDS_STATES.split()}
    assert {reason for reason in given if explanation(reason) is None} == set()


def test_nothing_else_is_explained() -> None:
    given = reasons() | {reason.value for reason in Reason}
    given |= {health_of("db", state, reachable=False).reason for state in RDS_STATES.split()} | {
        "WaitingForDatabase",
        "Draining",
    }
    used = [explanation(reason) for reason in given]
    assert {reason for reason, row in CATALOGUE.items() if row not in used} == set()


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text() == page(), "make troubleshooting"


@pytest.mark.parametrize("text", [row.meaning + row.remedy for row in CATALOGUE.values()])
def test_rows_fit_into_a_table(text: str) -> None:
    assert "|" not in text
    assert "\n" not in text


def test_every_field_that_the_page_names_exists() -> None:
    crd = (Path(PAGE).parent.parent / "crds" / "missyouapps.missyou.app.yaml").read_text()
    for field in set(re.findall(r"`(?:spec|status)\.([\w.]+)`", PAGE.read_text())):
        for part in field.split("."):
            assert re.search(rf"\b{part}:", crd), field


@pytest.mark.parametrize("command", sorted(aws_commands()))
def test_every_aws_command_in_a_message_is_one_that_aws_has(command: str) -> None:
    """The AWS CLI derives its commands and options from the same models (`xform_name`)."""
    _, service, name, *rest = command.split()
    model = get_session().get_service_model(service)
    client = boto3.client(service, region_name="us-east-1")
    operations = {
        method.replace("_", "-"): operation for method, operation in client.meta.method_to_api_mapping.items()
    }
    if (service, name) in CLI_ONLY:
        return
    assert name in operations, command
    shape = model.operation_model(operations[name]).input_shape
    members = shape.members if shape else {}
    options = {xform_name(member, "-") for member in members}
    flags = {re.sub(r"^no-", "", option.removeprefix("--")) for option in rest if option.startswith("--")}
    assert flags <= options | {"region", "query", "output"}, command


#: Commands that the CLI has besides those of the API.
CLI_ONLY = {("ecr", "get-login-password")}

"""Secrets: compared without a read, written once, restored from a scheduled deletion, and never shown."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.secretsmanager.secret import Secret
from missyou_operator.aws.secretsmanager.values import complete, generated
from missyou_operator.aws.secretsmanager.versions import SecretVersion
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import Observed
from missyou_operator.engine.values import UNKNOWN, Sensitive
from tests.aws.fake import FakeEc2, aws_error, cloud_of, row_tags
from tests.aws.live import apply, changed, client, live, neighbour, observe, read, tags


def secret(cloud: Cloud, value: str | None, suffix: str = "google_api_key") -> Secret:
    name = f"{cloud.stack.name}/{suffix}"
    return Secret(
        name=name,
        component="Secrets",
        tags=tags(cloud, name, "Secrets"),
        description="A key",
        value=None if value is None else Sensitive(value),
        username="missyou",
        salt=cloud.stack.salt,
    )


def credentials(cloud: Cloud) -> Secret:
    return secret(cloud, None, "db_credentials")


def version(
    cloud: Cloud, arn: str, host: str = "db.example", port: Any = 5432, sslmode: str = "require"
) -> SecretVersion:
    return SecretVersion(
        name=f"{cloud.stack.name}/db_credentials",
        component="Secrets",
        secret=arn,
        host=host,
        port=port,
        username="missyou",
        database="missyou",
        sslmode=sslmode,
        salt=cloud.stack.salt,
    )


def value_of(arn: str) -> str:
    # moto's default is the version written last, wherever the label is.
    answer = client("secretsmanager").get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
    return str(answer["SecretString"])


def versions(cloud: Cloud) -> list[Observed]:
    found = {"secretsmanager.Secret": read(Secret, cloud, wanted=[f"{cloud.stack.name}/db_credentials"])}
    return list(read(SecretVersion, cloud, found))


@pytest.mark.parametrize("value", ["key-1", None])
def test_what_was_created_is_found_as_desired(value: str | None) -> None:
    cloud = live()
    desired = secret(cloud, value)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert found.owned
    assert created.attrs == found.attrs
    assert "key-1" not in repr((desired, created, found))


def test_a_changed_value_is_observed_and_written_without_a_read() -> None:
    cloud = live()
    first = secret(cloud, "key-1").create(cloud)
    desired = secret(cloud, "key-2")
    [change] = desired.diff(observe(desired, cloud))
    assert (change.field, change.before, change.after) == ("value", "********", "********")
    after = apply(desired, cloud)
    assert desired.diff(after) == ()
    assert after.attrs["version"] != first.attrs["version"]
    assert value_of(after.id) == "key-2"


def test_a_previous_value_becomes_current_again() -> None:
    cloud = live()
    for value in ("key-1", "key-2", "key-1"):
        desired = secret(cloud, value)
        if value == "key-1" and not read(Secret, cloud):
            desired.create(cloud)
        assert desired.diff(apply(desired, cloud)) == ()
        assert value_of(observe(desired, cloud).id) == value


def test_an_unlisted_version_is_made_current_after_an_ignored_write() -> None:
    service = FakeEc2(put_secret_value={"VersionStages": []})
    cloud = cloud_of(service)
    desired = secret(cloud, "key-1")
    found = desired.as_created("arn", arn="arn", version="theirs", versions=("theirs",))
    after = desired.update(cloud, found, frozenset({"value"}))
    moved = service.arguments("update_secret_version_stage")
    assert (moved["MoveToVersionId"], moved["RemoveFromVersionId"]) == (desired.desired_version(), "theirs")
    assert desired.diff(after) == ()


def test_a_foreign_value_is_drift() -> None:
    cloud = live()
    desired = secret(cloud, "key-1")
    arn = desired.create(cloud).id
    client("secretsmanager").put_secret_value(SecretId=arn, SecretString="foreign")
    assert changed(desired, observe(desired, cloud)) == {"value"}
    assert desired.diff(apply(desired, cloud)) == ()
    assert value_of(arn) == "key-1"


def test_description_and_tags_are_set_without_a_new_version() -> None:
    cloud = live()
    before = secret(cloud, "key-1").create(cloud)
    desired = replace(secret(cloud, "key-1"), description="Other", tags={**before.tags, "Team": "x"})
    after = apply(desired, cloud)
    assert desired.diff(after) == ()
    assert after.attrs["version"] == before.attrs["version"]


def test_a_given_value_is_created_once_however_often_the_call_is_made() -> None:
    cloud = live()
    assert secret(cloud, "key-1").create(cloud).id == secret(cloud, "key-1").create(cloud).id


def test_existing_credentials_keep_their_password() -> None:
    cloud = live()
    first = credentials(cloud).create(cloud)
    password = value_of(first.id)
    assert credentials(cloud).create(cloud).attrs == first.attrs
    assert value_of(first.id) == password


def test_a_secret_missing_in_a_lagging_list_is_read_by_name() -> None:
    described = {"Name": "missyou/google_api_key", "ARN": "arn", "Tags": row_tags("x"), "VersionIdsToStages": {}}
    service = FakeEc2(list_secrets={"SecretList": []}, describe_secret=described)
    [found] = read(Secret, cloud_of(service), wanted=["missyou/google_api_key"])
    assert found.owned
    service.answers["describe_secret"] = {**described, "DeletedDate": "yesterday"}
    assert read(Secret, cloud_of(service), wanted=["missyou/google_api_key"]) == []
    service.answers["describe_secret"] = aws_error("ResourceNotFoundException")
    assert read(Secret, cloud_of(service), wanted=["missyou/google_api_key"]) == []


def test_a_teardown_overlooks_no_secret_in_a_lagging_list() -> None:
    def describe(SecretId: str) -> dict[str, Any]:  # noqa: N803 - AWS's spelling
        if SecretId != "missyou/db_credentials":
            raise aws_error("ResourceNotFoundException")
        return {"Name": SecretId, "ARN": "arn", "Tags": row_tags("x")}

    service = FakeEc2(list_secrets={"SecretList": []}, describe_secret=describe)
    assert [found.name for found in read(Secret, cloud_of(service))] == ["missyou/db_credentials"]


def test_another_owners_secret_is_not_ours_with_tags_and_without() -> None:
    cloud = live()
    secret(neighbour(cloud), "key-1").create(neighbour(cloud))
    client("secretsmanager").create_secret(Name=f"{cloud.stack.name}/firebase_key", SecretString="x")
    assert not observe(secret(cloud, "key-1"), cloud).owned
    assert not observe(secret(cloud, "x", "firebase_key"), cloud).owned
    with pytest.raises(RefusedError, match="delete-secret --force-delete-without-recovery") as refusal:
        secret(cloud, "key-1", "firebase_key").create(cloud)
    assert refusal.value.health.reason == "OwnedElsewhere"


def test_a_secret_scheduled_for_deletion_is_restored_and_updated() -> None:
    cloud, service = live(), client("secretsmanager")
    old = secret(cloud, "key-1").create(cloud)
    service.delete_secret(SecretId=old.id, RecoveryWindowInDays=7)
    assert read(Secret, cloud, wanted=[old.name]) == []
    created = secret(cloud, "key-2").create(cloud)
    assert (created.id, value_of(created.id)) == (old.id, "key-2")
    assert secret(cloud, "key-2").diff(observe(secret(cloud, "key-2"), cloud)) == ()


def test_restored_credentials_keep_their_password() -> None:
    cloud, service = live(), client("secretsmanager")
    old = credentials(cloud).create(cloud)
    password = value_of(old.id)
    service.delete_secret(SecretId=old.id, RecoveryWindowInDays=7)
    assert credentials(cloud).create(cloud).id == old.id
    assert value_of(old.id) == password


def test_a_name_that_is_being_released_is_waited_for() -> None:
    service = FakeEc2(
        create_secret=aws_error("InvalidRequestException", "already scheduled for deletion"),
        describe_secret=aws_error("ResourceNotFoundException"),
    )
    cloud = cloud_of(service)
    with pytest.raises(NotYetError, match="releases its name"):
        secret(cloud, "key-1").create(cloud)


def test_deleting_releases_the_name_and_twice_is_fine() -> None:
    cloud = live()
    found = secret(cloud, "key-1").create(cloud)
    for _ in range(2):
        assert Secret.delete(cloud, found).status == "ready"
    assert read(Secret, cloud) == []
    assert secret(cloud, "key-1").create(cloud).id != found.id


def test_generated_credentials_are_long_safe_and_never_the_same() -> None:
    one, other = (json.loads(generated("missyou").reveal()) for _ in range(2))
    assert one["username"] == "missyou"
    assert one["password"] != other["password"]
    assert len(one["password"]) == 32
    assert not set(one["password"]) & set("/\"@' ")


def test_urls_are_percent_encoded() -> None:
    content = complete(Sensitive("p@ss/w"), username="a:b", host="h", port="5432", database="d b", sslmode="require")
    assert json.loads(content.reveal())["DATABASE_URL"] == "postgresql://a%3Ab:p%40ss%2Fw@h:5432/d%20b?sslmode=require"
    assert json.loads(content.reveal())["port"] == 5432


def test_credentials_count_as_complete_only_with_the_endpoint() -> None:
    cloud = live()
    first = credentials(cloud).create(cloud)
    assert versions(cloud) == []
    desired = version(cloud, first.id)
    created = desired.create(cloud)
    [found] = versions(cloud)
    assert (found.address, found.owned, found.component) == (desired.address, True, "Secrets")
    assert desired.diff(found) == desired.diff(created) == ()
    assert (created.id, created.attrs["version"], created.attrs["arn"]) == (found.id, found.attrs["version"], first.id)
    assert set(json.loads(value_of(first.id))) == {"username", "password", "host", "port", "dbname", "DATABASE_URL"}
    assert credentials(cloud).diff(observe(credentials(cloud), cloud)) == ()


def test_another_endpoint_makes_another_version_with_the_same_password() -> None:
    cloud = live()
    arn = credentials(cloud).create(cloud).id
    version(cloud, arn).create(cloud)
    password = json.loads(value_of(arn))["password"]
    desired = version(cloud, arn, host="new.example")
    [found] = versions(cloud)
    [change] = desired.diff(found)
    assert (change.field, change.before, change.after) == ("DATABASE_URL", "********", "********")
    desired.update(cloud, found, frozenset({"DATABASE_URL"}))
    assert desired.diff(versions(cloud)[0]) == ()
    content = json.loads(value_of(arn))
    assert (content["host"], content["password"]) == ("new.example", password)


def test_another_sslmode_makes_another_version_with_the_same_password() -> None:
    cloud = live()
    arn = credentials(cloud).create(cloud).id
    version(cloud, arn).create(cloud)
    before = json.loads(value_of(arn))
    desired = version(cloud, arn, sslmode="verify-full")
    [found] = versions(cloud)
    assert changed(desired, found) == {"DATABASE_URL"}
    desired.update(cloud, found, frozenset({"DATABASE_URL"}))
    assert desired.diff(versions(cloud)[0]) == ()
    assert json.loads(value_of(arn)) == {
        **before,
        "DATABASE_URL": before["DATABASE_URL"].replace("sslmode=require", "sslmode=verify-full"),
    }


def test_an_unknown_endpoint_is_a_difference() -> None:
    cloud = live()
    arn = credentials(cloud).create(cloud).id
    version(cloud, arn).create(cloud)
    [change] = version(cloud, arn, port=UNKNOWN).diff(versions(cloud)[0])
    assert change.after == "(known after apply)"


@pytest.mark.parametrize("foreign", [None, '{"password": "theirs"}'])
def test_complete_credentials_become_current_again(foreign: str | None) -> None:
    cloud, service = live(), client("secretsmanager")
    first = credentials(cloud).create(cloud)
    desired = version(cloud, first.id)
    created = desired.create(cloud)
    complete_value = value_of(first.id)
    if foreign is None:
        service.update_secret_version_stage(
            SecretId=first.id,
            VersionStage="AWSCURRENT",
            MoveToVersionId=first.attrs["version"],
            RemoveFromVersionId=created.attrs["version"],
        )
    else:
        service.put_secret_value(SecretId=first.id, SecretString=foreign)
    [found] = versions(cloud)
    assert changed(desired, found) == {"DATABASE_URL"}
    desired.update(cloud, found, frozenset({"DATABASE_URL"}))
    assert desired.diff(versions(cloud)[0]) == ()
    assert value_of(first.id) == complete_value


def test_the_version_goes_with_its_secret() -> None:
    cloud = live()
    created = version(cloud, credentials(cloud).create(cloud).id).create(cloud)
    assert SecretVersion.delete(cloud, created).status == "ready"
    assert SecretVersion.DELETE_AFTER == (Secret.TYPE,)

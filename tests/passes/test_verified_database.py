"""How the app trusts its database: the certificate is verified wherever its image can."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from cryptography import x509

from missyou_backend.database_url import RDS_CA_BUNDLE
from missyou_operator.stack import build
from missyou_operator.stack.database import VERIFIED_REGIONS
from tests.sim.app import App
from tests.sim.aws import Aws
from tests.stack.specs import PLAIN, STACK
from tests.stack.specs import app as spec_of

GIVEN = {"repository": "registry.example.com/missyou"}


def sslmode(app: App) -> str:
    content = app.client("secretsmanager").get_secret_value(SecretId=f"{app.name}/db_credentials")["SecretString"]
    return str(re.search("sslmode=(.*)", json.loads(content)["DATABASE_URL"])[1])  # type: ignore[index]


def revision(app: App) -> str:
    where = {"cluster": f"{app.name}-cluster", "services": [f"{app.name}-service"]}
    return str(app.client("ecs").describe_services(**where)["services"][0]["taskDefinition"])


def test_the_regions_are_those_whose_authorities_the_app_ships() -> None:
    authorities = x509.load_pem_x509_certificates(RDS_CA_BUNDLE.read_bytes())
    names = " ".join(authority.subject.rfc4514_string() for authority in authorities)
    assert {*re.findall(r"RDS (\S+) Root CA", names)} == VERIFIED_REGIONS


def test_elsewhere_and_for_other_images_it_is_encrypted_and_not_verified() -> None:
    def declared(region: str, **spec: object) -> str:
        graph = build(spec_of(region=region, **spec), replace(STACK, region=region), PLAIN)
        [version] = [each for each in graph if each.TYPE == "secretsmanager.SecretVersion"]
        return str(version.sslmode)  # type: ignore[attr-defined]

    assert declared("eu-central-1") == "verify-full"
    assert declared("il-central-1") == "require"
    assert declared("cn-north-1") == "require"
    assert declared("eu-central-1", image=GIVEN) == "require"
    assert declared("eu-central-1", image=GIVEN, database={"sslMode": "verify-full"}) == "verify-full"
    assert declared("eu-central-1", database={"sslMode": "require"}) == "require"


def test_the_way_to_an_image_of_its_own_verifies_once_nothing_else_runs(aws: Aws) -> None:
    """A task of the old version that ECS starts again reads the same URL, and could not connect."""
    app = App(aws, "trust", environment="Development", image=GIVEN)
    app.settle()
    assert sslmode(app) == "require"
    app.stays_in_sync()
    del app.body["spec"]["image"]
    app.edit()
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "waiting for an image")
    app.push()
    seen = []

    def moment(when: str, call: str) -> None:
        if when == "after":
            where = {"cluster": f"{app.name}-cluster", "services": [f"{app.name}-service"]}
            deployments = app.client("ecs").describe_services(**where)["services"][0]["deployments"]
            revisions = {deployment["taskDefinition"] for deployment in deployments}
            rows = [app.client("ecs").describe_task_definition(taskDefinition=each) for each in revisions]
            images = {row["taskDefinition"]["containerDefinitions"][0]["image"] for row in rows}
            seen.append((sslmode(app), any(image.startswith("registry.example.com") for image in images)))

    app.process.moment = moment
    app.settle()
    app.process.moment = lambda _when, _call: None
    assert ("verify-full", True) not in seen
    assert sslmode(app) == "verify-full"
    app.stays_in_sync()


def test_a_new_mode_reaches_the_tasks_by_a_rollout(aws: Aws) -> None:
    app = App(aws, "mode", environment="Development")
    app.settle()
    assert sslmode(app) == "verify-full"
    before = revision(app)
    app.edit(database={"sslMode": "require"})
    app.settle()
    assert (sslmode(app), revision(app) != before) == ("require", True)
    app.stays_in_sync()

"""Every compared field, changed by somebody else: put right, told once in `status.drift`, and quiet afterwards."""

from __future__ import annotations

import pytest

from missyou_operator.aws.registry import KINDS
from tests.sim.app import App
from tests.sim.aws import Aws
from tests.sim.picture import Picture
from tests.sim.production import make_zone
from tests.sim.settings import SETTINGS, UNCHANGEABLE, Change, Hands, waves

#: What each wave is called by.
WAVES = list(waves())


def everything(aws: Aws) -> App:
    """Return the app of a stack with everything that can be compared, not settled yet."""
    app = App(
        aws,
        "crash",
        environment="Production",
        database={"deletionProtection": False},
        loadBalancer={"deletionProtection": False, "accessLogs": {"enabled": True}},
        domain={"name": "app.example.com"},
        network={"endpoints": {"interfaces": True}, "flowLogs": {"enabled": True}},
        waf={"enabled": True},
        monitoring={"notifications": {"emails": ["oncall@example.com"]}},
        secrets={"googleAPIKey": {"secretKeyRef": {"name": "keys", "key": "google"}}},
    )
    app.secrets["keys"] = {"google": "AIza-of-google"}
    make_zone(app)
    return app


@pytest.fixture(scope="module")
def app(aws: Aws) -> App:
    app = everything(aws)
    app.client("kms").create_alias(
        AliasName="alias/mine", TargetKeyId=app.client("kms").create_key()["KeyMetadata"]["KeyId"]
    )
    app.settle()
    return app


def test_every_compared_field_is_tried_or_has_a_reason() -> None:
    compared = {(kind.TYPE, field) for kind in KINDS for field in kind.COMPARED}
    assert compared == {*SETTINGS, *UNCHANGEABLE}
    assert not {*SETTINGS} & {*UNCHANGEABLE}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("wave", WAVES, ids=[f"wave{number}" for number, _ in enumerate(WAVES)])
def test_each_is_put_right_told_once_and_quiet_afterwards(app: App, wave: tuple[tuple[str, str, Change], ...]) -> None:
    before = app.everything()
    for _, _, change in wave:
        change(Hands(app))
    app.clock.now += 60.0
    reports = len(app.reports)
    app.observe_now()
    app.settle()
    # The status keeps the latest of them only.
    drift = [entry for report in app.reports[reports:] for entry in report.drift]
    silent = [
        (type_, field)
        for type_, field, _ in wave
        if not any(
            entry["resource"].startswith(f"{type_}/") and any(line.startswith(f"{field}: ") for line in entry["fields"])
            for entry in drift
        )
    ]
    assert silent == []
    calls, reports = len(app.process.calls), len(app.reports)
    for _ in range(2):
        app.clock.now += 45.0
        app.observe_now()
    assert app.process.calls[calls:] == []
    assert [entry for report in app.reports[reports:] for entry in report.drift] == []
    assert app.condition("InSync")["status"] == "True"
    assert app.condition("Ready")["status"] == "True"
    assert essence(app.everything()) == essence(before)


def essence(picture: Picture) -> Picture:
    """Leave out what AWS makes anew for itself, and history."""
    rest = {key: value for key, value in picture.items() if key not in {"revisions", "secrets"}}
    return {**rest, "alarms": [row for row in picture["alarms"] if not row[0].startswith("Target")]}

"""`missyou doctor` names what is broken and what mends it: every row of the old page's troubleshooting, and more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from missyou_operator.api.status import parse_status
from missyou_operator.cli.diagnoses import lines
from missyou_operator.cli.doctor import Seen, diagnose, examined
from missyou_operator.cli.findings import Finding
from missyou_operator.cli.render import Style
from tests.sim.app import App
from tests.sim.commands import offline

NAME = "patient"


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A healthy stack."""
    app = App(aws, NAME, environment="Development")
    app.settle()
    return app


def asked(app: App) -> Seen:
    """Ask AWS as the command does; it may only read."""
    return examined(app.body, offline(app))


def doctor(app: App) -> list[Finding]:
    """Return what the command finds, and print what it prints."""
    found = diagnose(app.body, parse_status(app.body), asked(app))
    print("\n".join(lines(app.body, found, "", Style())))
    return found


def page(app: App, seen: Seen) -> str:
    return "\n".join(lines(app.body, diagnose(app.body, parse_status(app.body), seen), seen.unasked, Style()))


def only(findings: Sequence[Finding], component: str) -> Finding:
    [found] = [each for each in findings if each.component == component]
    return found


def test_a_healthy_app_gets_one_line(app: App) -> None:
    [line] = page(app, asked(app)).splitlines()
    assert line == f"✔ default/{NAME} is healthy: 1/1 tasks run, {app.body['status']['url']}"


def test_a_stopped_database(app: App) -> None:
    app.client("rds").stop_db_instance(DBInstanceIdentifier=f"{NAME}-db")
    app.clock.now += 60
    # The operator has not looked yet: AWS itself is asked.
    found = only(doctor(app), "Database")
    assert found.reason == "Stopped"
    assert found.commands == (f"aws rds start-db-instance --db-instance-identifier {NAME}-db",)

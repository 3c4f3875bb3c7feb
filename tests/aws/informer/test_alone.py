"""Where a list takes long, a stack that needs a newer one asks for its own rows: and never goes back to older ones."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws.cloudwatch.alarm import Alarm
from missyou_operator.aws.informer import Freshness, Inventory, inventory
from tests.aws.fake import FakeEc2, cloud_of, reader_of

MINE, LIST = "missyou-rds-cpu", Alarm.LISTING.key


class Alarms:
    """The alarms of an account, and the seconds on a clock."""

    def __init__(self) -> None:
        self.now, self.there = 0.0, {MINE: 80.0, "another": 80.0}
        self.client = FakeEc2(describe_alarms=self._describe)
        self.cloud = cloud_of(self.client)
        self.cloud.inventory = Inventory(lambda: self.now)

    def _describe(self, *, AlarmNames: tuple[str, ...] = (), **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's name
        rows = [{"AlarmName": name, "Threshold": value} for name, value in self.there.items()]
        return {"MetricAlarms": [row for row in rows if not AlarmNames or row["AlarmName"] in AlarmNames]}

    def read(self, **needs: Any) -> tuple[list[float], bool]:
        """Return the thresholds of mine, and whether a stack that rests upon them is looked at again by the list."""
        reader = reader_of(self.cloud).noting(Freshness(self.now, look=45.0, **needs))
        rows = [row["Threshold"] for row in reader.listed(Alarm.LISTING, MINE)]
        return rows, reader.uses[LIST, MINE] != self.cloud.inventory.stamp(LIST, MINE)

    @property
    def asked(self) -> list[bool]:
        """Whether each call was for mine alone."""
        return ["AlarmNames" in arguments for _, arguments in self.client.calls]


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> Alarms:
    monkeypatch.setattr(inventory, "_LONG", 0.0)
    alarms = Alarms()
    assert alarms.read() == ([80.0], False)
    return alarms


@pytest.mark.parametrize("needs", [{"anew": True}, {"seen": 9.0}, {"written": 9.0}])
def test_it_counts_until_the_list_is_newer(alarms: Alarms, needs: dict[str, Any]) -> None:
    alarms.now, alarms.there[MINE] = 10.0, 90.0
    assert alarms.read(**needs) == ([90.0], True)
    alarms.now = 12.0
    # By the rhythm of all, the list is still good enough: for others.
    assert alarms.read() == ([90.0], True)
    assert alarms.asked == [False, True]
    alarms.now, alarms.there[MINE] = 100.0, 70.0
    assert alarms.read() == ([70.0], False)
    assert alarms.asked == [False, True, False]
    assert alarms.read() == ([70.0], False)


def test_what_the_list_shows_alike_rests_upon_the_list(alarms: Alarms) -> None:
    alarms.now, alarms.there["another"] = 10.0, 90.0
    assert alarms.read(anew=True) == ([80.0], False)
    assert alarms.asked == [False, True]


def test_what_is_gone_since_the_list_is_looked_for_again(alarms: Alarms) -> None:
    alarms.now = 10.0
    del alarms.there[MINE]
    assert alarms.read(anew=True) == ([], True)


def test_a_quick_list_is_read_for_all(alarms: Alarms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "_LONG", 1.0)
    alarms.now = 10.0
    assert alarms.read(anew=True) == ([80.0], False)
    assert alarms.asked == [False, False]

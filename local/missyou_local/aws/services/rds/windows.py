"""The backup and maintenance windows of a database, and RDS's refusals.

Sources: RDS API reference, CreateDBInstance and ModifyDBInstance. Windows that only touch do not overlap, as in the
example of the module terraform-aws-modules/rds. moto refuses those, so its own check is removed.
"""

from __future__ import annotations

import re
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, checks
from missyou_local.aws.services.rds import refusals

_ALL = ("rds:CreateDBInstance", "rds:ModifyDBInstance", "rds:RestoreDBInstanceFromDBSnapshot")
_BACKUP, _MAINTENANCE = "PreferredBackupWindow", "PreferredMaintenanceWindow"
_CLOCK = r"([01]\d|2[0-3]):([0-5]\d)"
_DAILY = re.compile(f"{_CLOCK}-{_CLOCK}")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"({'|'.join(_DAYS)})"
_WEEKLY = re.compile(f"{_DAY}:{_CLOCK}-{_DAY}:{_CLOCK}", re.IGNORECASE)
_MINUTES_OF_DAY, _SHORTEST = 1440, 30
#: What AWS chooses here: the first that does not overlap with the other window.
_BACKUPS, _MAINTENANCES = ("13:14-13:44", "01:14-01:44"), ("wed:06:38-wed:07:08", "wed:18:38-wed:19:08")


# It also checks the existing window at each modification.
backends.replace("rds.models", "valid_preferred_maintenance_window", lambda *_: None)


@checks(*_ALL)
def windows_are_right(call: Call) -> None:
    """Refuse windows that are malformed, too short or too long, or overlap with the other, given or existing one."""
    backup, maintenance = call.params.get(_BACKUP), call.params.get(_MAINTENANCE)
    if backup is not None and _daily(backup)[1] < _SHORTEST:
        raise refusals.value(f"The backup window must be at least {_SHORTEST} minutes.")
    if maintenance is not None and not _SHORTEST <= _weekly(maintenance)[1] < _MINUTES_OF_DAY:
        raise refusals.value("The maintenance window must be at least 30 minutes, and less than 24 hours.")
    there = call.moto("rds").databases.get(call.params["DBInstanceIdentifier"])
    if there is not None:
        backup, maintenance = backup or there.preferred_backup_window, maintenance or there.preferred_maintenance_window
    if backup and maintenance and _overlap(backup, maintenance):
        raise refusals.value("The backup window and maintenance window must not overlap.")


def choose(call: Call, model: Any) -> None:
    """Choose the windows that the call does not name, as AWS does for a new database."""
    if _BACKUP not in call.params:
        maintenance = model.preferred_maintenance_window
        model.preferred_backup_window = next(w for w in _BACKUPS if not _overlap(w, maintenance))
    elif _MAINTENANCE not in call.params:
        backup = model.preferred_backup_window
        model.preferred_maintenance_window = next(w for w in _MAINTENANCES if not _overlap(backup, w))


def _overlap(backup: str, maintenance: str) -> bool:
    """Return whether two windows overlap. A backup is taken every day, so the time of day decides."""
    (first, length), (start, lasts) = _daily(backup), _weekly(maintenance)
    return (start - first) % _MINUTES_OF_DAY < length or (first - start) % _MINUTES_OF_DAY < lasts


def _daily(window: str) -> tuple[int, int]:
    """Return the first minute and the length of a daily window. Error: AwsError."""
    match = _DAILY.fullmatch(window)
    if match is None:
        raise refusals.value(f"Invalid backup window format: {window}. It must be hh24:mi-hh24:mi")
    from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
    first = 60 * from_hour + from_minute
    return first, (60 * to_hour + to_minute - first) % _MINUTES_OF_DAY


def _weekly(window: str) -> tuple[int, int]:
    """Return the first minute and the length of a weekly window. Error: AwsError."""
    match = _WEEKLY.fullmatch(window)
    if match is None:
        raise refusals.value(f"Invalid maintenance window format: {window}. It must be ddd:hh24:mi-ddd:hh24:mi")
    day, hour, minute, to_day, to_hour, to_minute = match.groups()
    days = _DAYS.index(to_day.lower()) - _DAYS.index(day.lower())
    first = 60 * int(hour) + int(minute)
    return first, (days * _MINUTES_OF_DAY + 60 * int(to_hour) + int(to_minute) - first) % (7 * _MINUTES_OF_DAY)

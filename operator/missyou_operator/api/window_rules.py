"""The rules on the windows in which RDS takes backups and does maintenance.

Source: RDS API reference, CreateDBInstance, PreferredBackupWindow and PreferredMaintenanceWindow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from missyou_operator.api.rules import Rule, cel_text, matches

if TYPE_CHECKING:
    from missyou_operator.api.database import Database

_DAY, _WEEK = 24 * 60, 7 * 24 * 60
_SHORTEST = 30
_DAYS = "montuewedthufrisatsun"

_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_DAILY = f"{_CLOCK}-{_CLOCK}"
_MOMENT = f"(mon|tue|wed|thu|fri|sat|sun):{_CLOCK}"
_WEEKLY = f"{_MOMENT}-{_MOMENT}"


def _minute(text: str) -> int:
    """Return the minute of the day of `hh:mm`, or the minute of the week of `ddd:hh:mm`."""
    day = _DAYS.index(text[:-6]) // 3 if len(text) > 5 else 0
    return day * _DAY + int(text[-5:-3]) * 60 + int(text[-2:])


def _span(window: str, turn: int) -> tuple[int, int]:
    """Return the first minute and the length, in minutes, of a window in a day or week of `turn` minutes."""
    first, _, last = window.partition("-")
    return _minute(first), (_minute(last) - _minute(first)) % turn


def _cel_clock(text: str, at: int) -> str:
    return f"int({text}.substring({at}, {at + 2})) * 60 + int({text}.substring({at + 3}, {at + 5}))"


def _cel_moment(text: str, at: int) -> str:
    day = f"{cel_text(_DAYS)}.indexOf({text}.substring({at}, {at + 3})) / 3"
    return f"{day} * {_DAY} + {_cel_clock(text, at + 4)}"


def _cel_length(first: str, last: str, turn: int) -> str:
    return f"(({last}) - ({first}) + {turn}) % {turn}"


def _cel_form(text: str, pattern: str) -> str:
    return f"{text}.matches({cel_text(f'^(?:{pattern})$')})"


def _check_apart(database: Database) -> str | None:
    if database.backup_window is None or database.maintenance_window is None:
        return None
    backup, backup_length = _span(database.backup_window, _DAY)
    maintenance, maintenance_length = _span(database.maintenance_window, _WEEK)
    if (maintenance - backup) % _DAY >= backup_length and (backup - maintenance) % _DAY >= maintenance_length:
        return None
    return f"overlaps with backupWindow ({database.backup_window}): move one of them"


BACKUP_FORM = matches(_DAILY, "must be two times of the day in UTC, for example 03:00-04:00")
BACKUP_LENGTH = Rule(
    cel=f"!{_cel_form('self', _DAILY)} || "
    f"{_cel_length(_cel_clock('self', 0), _cel_clock('self', 6), _DAY)} >= {_SHORTEST}",
    message=f"a backup window must be at least {_SHORTEST} minutes long",
    holds=lambda window: _span(window, _DAY)[1] >= _SHORTEST,
)
MAINTENANCE_FORM = matches(
    _WEEKLY, "must be two times of the week in UTC, with days in lower case, for example sun:04:30-sun:05:30"
)
MAINTENANCE_LENGTH = Rule(
    cel=f"!{_cel_form('self', _WEEKLY)} || "
    f"[{_cel_length(_cel_moment('self', 0), _cel_moment('self', 10), _WEEK)}]"
    f".all(length, length >= {_SHORTEST} && length < {_DAY})",
    message=f"a maintenance window must be at least {_SHORTEST} minutes long, and shorter than 24 hours",
    holds=lambda window: _SHORTEST <= _span(window, _WEEK)[1] < _DAY,
)

_B, _M = "self.backupWindow", "self.maintenanceWindow"
#: A backup is taken every day, so that the time of the day alone decides.
APART = Rule(
    cel=f"!has({_B}) || !has({_M}) || !{_cel_form(_B, _DAILY)} || !{_cel_form(_M, _WEEKLY)} || "
    f"[[{_cel_clock(_B, 0)}, {_cel_length(_cel_clock(_B, 0), _cel_clock(_B, 6), _DAY)}, {_cel_clock(_M, 4)}, "
    f"{_cel_length(_cel_moment(_M, 0), _cel_moment(_M, 10), _WEEK)}]].all(w, "
    f"(w[2] - w[0] + {_DAY}) % {_DAY} >= w[1] && (w[0] - w[2] + {_DAY}) % {_DAY} >= w[3])",
    message_cel="'overlaps with backupWindow (%s): move one of them'.format([self.backupWindow])",
    path=".maintenanceWindow",
    check=_check_apart,
)

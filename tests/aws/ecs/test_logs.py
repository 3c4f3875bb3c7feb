"""The end of a log, as a condition shows it."""

from __future__ import annotations

import json

import pytest

from missyou_operator.aws.ecs.logs import LINES, last_lines


def test_the_last_lines_are_shown_on_one() -> None:
    assert last_lines(["one", "two", "", "three  and\ta half", "four\n"]) == "two / three and a half / four"
    assert LINES == 3
    assert last_lines([]) == ""


def test_a_line_of_json_shows_its_message() -> None:
    line = json.dumps({"time": "2026-11-23", "level": "error", "message": "no such table: users"})
    assert last_lines([line, json.dumps({"status": 503})]) == 'no such table: users / {"status": 503}'
    assert last_lines(["[1, 2]"]) == "[1, 2]"


def test_a_long_line_is_cut() -> None:
    assert last_lines(["word " * 100]).endswith("…")
    assert len(last_lines(["word " * 100])) == 200


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("could not connect to postgresql://missyou:hunter2@db:5432/missyou", "hunter2"),
        ("could not connect to postgresql://missyou:p%40ss/word@db:5432/missyou", "p%40ss"),
        ("login failed: password=hunter2, user=me", "hunter2"),
        ("{'password': 'hunter2'}", "hunter2"),
        ('"google_api_key": "short"', "short"),
        ("the password is hunter2", "hunter2"),
        ("Authorization: Bearer hunter2", "hunter2"),
        ("DATABASE_PASSWORD=hunter2", "hunter2"),
        ("using nZ8_kq2Lw0-VbT5yHsR7eXcM1uJf4aGd now", "nZ8_kq2Lw0"),
        ("key AIzaSyD-1234567890abcdefghijklmnopqrstu ok", "AIzaSy"),
        ("-----BEGIN PRIVATE KEY----- MIIEvQIBADANBgkqh", "MIIE"),
    ],
)
def test_what_looks_like_a_secret_is_left_out(line: str, secret: str) -> None:
    shown = last_lines([line])
    assert secret not in shown
    assert "…" in shown


@pytest.mark.parametrize(
    "line",
    [
        "sqlalchemy.exc.OperationalError: relation users does not exist",
        "ResourceNotFoundException: no such thing",
        'File "/usr/local/lib/python3.11/site-packages/missyou/main.py", line 12, in <module>',
        "GET /v1/users 500 in 12 ms",
        "DATABASE_URL is not set: the stack sets it from the secret db_credentials",
    ],
)
def test_what_a_person_needs_stays(line: str) -> None:
    assert last_lines([line]) == line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("\x1b[31mred\x1b[0m alert", "red alert"),
        ("\x9b2Jcleared", "cleared"),
        ("\x1b]0;title\x07text \x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "text link"),
        ("a\x1bcb\x08\x00\x7f\x85c", "acb c"),
        ("pay \u202eelpa\u202c \u2066now\u2069", "pay elpa now"),
        ("a\u200bnn\ufeff\u00ad", "ann"),
        (json.dumps({"message": "\x1b[31mno \u202etable"}), "no table"),
        ("pass\u200bword=hunter2", "password=…"),
        ("naïve, 你好 🙂", "naïve, 你好 🙂"),
    ],
)
def test_nothing_steers_the_terminal_or_reorders_the_line(line: str, shown: str) -> None:
    assert last_lines([line]) == shown


@pytest.mark.parametrize("line", ["it is hun\u200bter2!", "it is hun\x1b[0mter2!", "it is hunter2!"])
def test_a_known_secret_is_hidden_with_controls_in_its_midst(line: str) -> None:
    assert last_lines([line], lambda text: text.replace("hunter2", "***")) == "it is ***!"


def test_a_known_secret_that_has_controls_itself_is_hidden() -> None:
    assert last_lines(["it is hun\u200bter2!"], lambda text: text.replace("hun\u200bter2", "***")) == "it is ***!"

"""Logs: what a line holds, and what it never does."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from missyou_operator.controller.logs import about, handler
from missyou_operator.controller.threads import Threads
from missyou_operator.engine.values import Sensitive, redact

SECRET = 'p"ss/w\\rd-é'


@pytest.fixture(params=[True, False], ids=["json", "text"])
def said(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What a logger of its own has written, in either format."""
    made, stream = handler(json=request.param), io.StringIO()
    made.setStream(stream)
    logger = logging.getLogger("missyou_operator.test")
    logger.addHandler(made)
    yield stream
    logger.removeHandler(made)


def broken(value: str) -> None:
    raise ValueError(f"AWS refuses {value!r}")


def test_a_secret_is_in_no_line_and_no_traceback(said: io.StringIO) -> None:
    held, logger = Sensitive(json.dumps({"password": SECRET}), SECRET), logging.getLogger("missyou_operator.test")
    try:
        broken("plain-hunter2")
    except ValueError:
        other = Sensitive("plain-hunter2")
        logger.exception("failed with %s", SECRET, extra={"quoted": f"x{SECRET}x"})
    text = said.getvalue()
    assert "Traceback" in text
    assert "********" in text
    assert "hunter2" not in text
    assert "w\\rd" not in text
    del held, other


def test_all_forms_are_found_while_the_secret_is_held() -> None:
    first, second = Sensitive("hunter2/+"), Sensitive("hunter2/+")
    assert redact("a hunter2/+ b hunter2%2F%2B c") == "a ******** b ******** c"
    del first
    # Equal, and still there.
    assert redact("hunter2/+") == "********"
    del second
    assert redact("hunter2/+") == "hunter2/+"
    short = Sensitive("a")
    assert redact("a cat") == "a cat"
    del short


def test_threads_take_the_fields_of_their_pass_along() -> None:
    made, stream = handler(json=True), io.StringIO()
    made.setStream(stream)
    logger = logging.getLogger("missyou_operator.test")
    logger.addHandler(made)
    about(app="one", **{"pass": "1"})
    with Threads(1) as threads:
        threads.submit(logger.warning, "first").result()
        about(app="two", **{"pass": "2"})
        threads.submit(logger.warning, "second").result()
    logger.removeHandler(made)
    about()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["message"], line["app"], line["pass"]) for line in lines] == [
        ("first", "one", "1"),
        ("second", "two", "2"),
    ]

"""The watch loop and its screen, with a scripted cluster instead of a real one."""

from __future__ import annotations

import io
from itertools import chain, repeat

import pytest

from missyou_operator.cli.cluster import Unreachable
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.watch import Screen, watch

from .test_progress import condition, shop


class Script:
    """Plays a Cluster: each item is an app, None for a deleted one, or an exception. The last one repeats."""

    def __init__(self, *items):
        self.items = chain(items, repeat(items[-1]))

    def get(self, namespace, name):
        return shop()

    def follow(self, namespace, name):
        item = next(self.items)
        if isinstance(item, Exception):
            raise item
        yield item


def run(*items, timeout=20.0, live=False):
    out = io.StringIO()
    screen = Screen(out=out, live=live, colour=False, width=lambda: 100)
    watch(Script(*items), "default", "shop", timeout, screen)
    return out.getvalue()


CREATING = shop(condition("DatabaseReady", "False", "Creating", "takes long"), condition("Ready", "False", "Creating"))
DONE = shop(condition("DatabaseReady"), condition("Ready"), url="http://alb")


def test_plain_lines_appear_once_per_change():
    lines = run(CREATING, CREATING, DONE).splitlines()
    assert [line.split()[1:4] for line in lines[:4]] == [
        ["DatabaseReady", "False", "Creating"],
        ["Ready", "False", "Creating"],
        ["DatabaseReady", "True", "Available"],
        ["Ready", "True", "Available"],
    ]
    assert lines[4].startswith("Ready: http://alb (after ")
    assert len(lines) == 5


def test_the_live_view_is_drawn_over_itself():
    text = run(CREATING, DONE, live=True)
    first, *others = text.split("\x1b[9F")
    assert first.count("\n") == 9
    assert "… DatabaseReady" in first
    assert "✔ DatabaseReady" in others[-1]


def test_stalled_ends_it():
    with pytest.raises(Failure, match="Stalled: QuotaExceeded: ask AWS") as failure:
        run(CREATING, shop(condition("Stalled", "True", "QuotaExceeded", "ask AWS")))
    assert failure.value.code is Exit.STALLED


def test_deletion_ends_it():
    with pytest.raises(Failure, match="shop in default: the MissYouApp has been deleted") as failure:
        run(CREATING, None)
    assert failure.value.code is Exit.NOT_FOUND


def test_a_timeout_says_what_it_waited_for():
    with pytest.raises(
        Failure, match=r"not ready after 0.3 s: DatabaseReady is False \(Creating: takes long\)"
    ) as failure:
        run(CREATING, timeout=0.3)
    assert failure.value.code is Exit.TIMEOUT


def test_a_lost_connection_is_outlived():
    assert "Ready: http://alb" in run(CREATING, Unreachable("connection refused"), DONE)


def test_a_connection_that_stays_lost_is_named_at_the_timeout():
    with pytest.raises(Failure, match=r"cannot be reached: connection refused") as failure:
        run(Unreachable("connection refused"), timeout=0.3)
    assert failure.value.code is Exit.TIMEOUT


def test_what_another_try_would_not_help_ends_it():
    with pytest.raises(Failure, match="no permission") as failure:
        run(CREATING, Failure(Exit.CLUSTER, "no permission"))
    assert failure.value.code is Exit.CLUSTER

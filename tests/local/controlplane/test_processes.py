"""Only the very process that was recorded is ever stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from missyou_local import processes

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]


@pytest.fixture
def stranger():
    """A process that nobody recorded."""
    child = subprocess.Popen(SLEEPER)
    yield child
    child.kill()
    child.wait()


def test_a_started_process_is_found_again_and_stopped(tmp_path):
    started = processes.start(tmp_path, "sleeper", SLEEPER, os.environ)
    found = processes.recorded(tmp_path, "sleeper")
    assert found == started
    found.stop()
    assert not started.alive()
    assert processes.recorded(tmp_path, "sleeper") is None


def test_a_recycled_pid_is_left_alone(tmp_path, stranger):
    """The pid of a recorded process has since been given to a stranger."""
    (tmp_path / "gone.pid").write_text(json.dumps({"pid": stranger.pid, "started": "1"}))
    assert processes.recorded(tmp_path, "gone") is None
    processes.Process("gone", stranger.pid, "1", tmp_path / "gone.log").stop(patience=0.2)
    assert stranger.poll() is None


def test_what_ignores_the_request_to_end_is_ended(tmp_path):
    deaf = processes.start(tmp_path, "deaf", DEAF, os.environ)
    assert processes.wait_until(lambda: "deaf" in deaf.log_tail(), 60)
    deaf.stop(patience=0.2)
    # On a busy machine a process that has been killed may take longer than that to go.
    assert processes.wait_until(lambda: not deaf.alive(), 60)


def test_a_child_that_ended_by_itself_counts_as_dead(tmp_path):
    brief = processes.start(tmp_path, "brief", [sys.executable, "-c", "print('bye')"], os.environ)
    assert processes.wait_until(lambda: not brief.alive(), 60)
    assert brief.log_tail() == "bye"


def test_waiting_leaves_the_children_of_others_alone():
    """Their exit status belongs to whoever started them."""
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
    looks_after_the_end = 0

    def waited_on() -> bool:
        nonlocal looks_after_the_end
        looks_after_the_end += processes.start_time(child.pid) is None
        return looks_after_the_end == 3

    assert processes.wait_until(waited_on, 60)
    assert child.wait() == 7


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_record_is_no_process(tmp_path, content):
    (tmp_path / "odd.pid").write_text(content)
    assert processes.recorded(tmp_path, "odd") is None


def test_without_proc_the_start_time_is_asked_of_ps(monkeypatch, stranger):
    monkeypatch.setattr(sys, "platform", "darwin")
    told = processes.start_time(stranger.pid)
    assert told is not None
    assert processes.start_time(stranger.pid) == told
    stranger.kill()
    assert processes.wait_until(lambda: processes.start_time(stranger.pid) is None, 60)

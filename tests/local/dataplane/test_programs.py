"""Processes of tasks: started, heard, stopped, and found again after a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from missyou_local.dataplane.programs import Program, Running, start, sweep
from missyou_local.processes import start_time, wait_until, write_record

PATIENCE = 20.0


class Ear:
    """Hears what a program says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, lines) -> None:
        assert all(at > 1_700_000_000 for at, _ in lines)
        self.lines += [text for _, text in lines]


def run(script: str, ear: Ear | None = None, record: Path | None = None, **environ: str) -> Running:
    program = Program(("/bin/sh", "-c", script), {"PATH": os.defpath, **environ}, Path("/"))
    return start(program, ear or Ear(), record)


def ended(running: Running) -> int | None:
    assert wait_until(lambda: running.exit_code() is not None, PATIENCE)
    return running.exit_code()


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143)])
def test_exit_codes_are_those_of_containers(script, code):
    assert ended(run(script)) == code


def test_it_gets_its_environment_and_no_other(monkeypatch):
    monkeypatch.setenv("MINE", "secret")
    ear = Ear()
    running = run('echo "[$MINE][$GIVEN]"; pwd', ear, GIVEN="yes")
    assert ended(running) == 0
    assert wait_until(lambda: ear.lines == ["[][yes]", "/"], PATIENCE)


def test_output_is_heard_line_by_line_whatever_it_is():
    ear = Ear()
    ended(run(r"printf 'one\r\n\377\nlast'; echo err >&2", ear))
    assert wait_until(lambda: ear.lines == ["one", "�", "lasterr"], PATIENCE)


def test_much_output_arrives_whole_and_in_order():
    ear = Ear()
    ended(run("seq 100000", ear))
    assert wait_until(lambda: len(ear.lines) == 100_000, PATIENCE)
    assert ear.lines == [str(number) for number in range(1, 100_001)]


def test_a_line_that_is_too_long_is_split():
    ear = Ear()
    ended(run("head -c 600000 /dev/zero | tr '\\0' x; echo", ear))
    assert wait_until(lambda: sum(map(len, ear.lines)) == 600_000, PATIENCE)
    assert max(map(len, ear.lines)) <= 262_118


def test_it_is_asked_to_end():
    ear = Ear()
    running = run("trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.05; done", ear)
    assert wait_until(lambda: ear.lines == ["hello"], PATIENCE)
    running.stop(PATIENCE)
    assert ended(running) == 0
    assert wait_until(lambda: ear.lines[-1] == "bye", PATIENCE)


def test_what_does_not_end_is_ended():
    ear = Ear()
    running = run("trap '' TERM; echo hello; while :; do sleep 0.05; done", ear)
    assert wait_until(lambda: bool(ear.lines), PATIENCE)
    running.stop(0.1)
    assert ended(running) == 137


def test_what_it_leaves_behind_ends_with_it():
    ear = Ear()
    running = run("sleep 1000 & echo $!; exit 0", ear)
    assert ended(running) == 0
    assert wait_until(lambda: bool(ear.lines), PATIENCE)
    assert wait_until(lambda: start_time(int(ear.lines[0])) is None, PATIENCE)


def test_what_cannot_be_executed_is_an_error():
    with pytest.raises(OSError, match="No such file"):
        start(Program(("/no/such/thing",), {}, Path("/")), Ear())


def test_values_of_the_environment_are_not_shown():
    assert "hunter2" not in repr(Program(("app",), {"PASSWORD": "hunter2"}, Path("/")))


def test_a_record_lasts_as_long_as_the_process(tmp_path):
    record = tmp_path / "task.json"
    running = run("sleep 1000", record=record)
    assert json.loads(record.read_text())["pid"] == running.pid
    running.kill()
    ended(running)
    assert not record.exists()


def test_what_a_killed_process_left_is_swept(tmp_path):
    code = textwrap.dedent(
        f"""
        import pathlib, time
        from missyou_local.dataplane.programs import Program, start
        folder = pathlib.Path({str(tmp_path)!r})
        start(Program(("/bin/sh", "-c", "sleep 1000"), {{}}, folder), lambda lines: None, folder / "task.json")
        time.sleep(1000)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    record = tmp_path / "task.json"
    assert wait_until(lambda: record.exists() and record.read_text().endswith("}"), PATIENCE)
    parent.kill()
    parent.wait()
    pid = json.loads(record.read_text())["pid"]
    assert start_time(pid) is not None
    assert sweep(tmp_path) == [pid]
    assert wait_until(lambda: start_time(pid) is None, PATIENCE)
    assert not record.exists()


def test_a_pid_that_is_another_s_by_now_is_left_alone(tmp_path):
    bystander = subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True)
    try:
        write_record(tmp_path / "old.json", bystander.pid, "long ago")
        (tmp_path / "broken.json").write_text("{")
        assert sweep(tmp_path) == []
        assert bystander.poll() is None
    finally:
        bystander.send_signal(signal.SIGKILL)
        bystander.wait()

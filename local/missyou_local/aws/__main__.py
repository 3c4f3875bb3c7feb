"""`python -m missyou_local.aws`: the test AWS as a process of its own."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from missyou_local.aws import Timing, serve
from missyou_local.aws.clock import Clock
from missyou_local.aws.server import HOST


def main() -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m missyou_local.aws",
        description="Serve a test AWS on loopback; docs/test-aws.md says what it can do.",
    )
    parser.add_argument(
        "--host",
        default=HOST,
        help="address to listen on, by default loopback; it has no access control: never one that others can reach",
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 (the default) takes a free one")
    parser.add_argument("--ready-file", type=Path, help="file that gets the URL once the server answers")
    parser.add_argument("--log", type=Path, help="file to which each call is appended as a line of JSON")
    parser.add_argument(
        "--data-plane", type=Path, metavar="FOLDER", help="run databases, tasks and load balancers for real, in FOLDER"
    )
    parser.add_argument(
        "--timing",
        choices=("demo", "realistic", "instant"),
        default="demo",
        help="how long things take: seconds (the default), as long as on AWS, no time at all",
    )
    parser.add_argument("--speed", type=float, default=1.0, help="how fast the clock goes, say 100; the default is 1")
    parser.add_argument("--seed", type=int, default=0, help="what faults are drawn from")
    options = parser.parse_args()
    timings = {"demo": Timing, "realistic": Timing.realistic, "instant": Timing.instant}
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server = serve(
        options.port,
        timing=timings[options.timing](),
        log=options.log,
        clock=Clock(options.speed),
        data_plane=options.data_plane,
        host=options.host,
    )
    server.control.faults.replace([], options.seed)
    if options.ready_file:
        _write_whole(options.ready_file, server.url + "\n")
    sys.stdout.write(f"test AWS: export AWS_ENDPOINT_URL={server.url}\n")
    sys.stdout.flush()
    stop.wait()
    server.close()
    return 0


def _write_whole(path: Path, text: str) -> None:
    """Write a file that readers see either not at all or complete."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m missyou_local demo|push|env|down`: what `make demo`, `make demo-push` and so on call."""

from __future__ import annotations

import argparse
import sys

from missyou_local.binaries import NoControlPlaneError
from missyou_local.controlplane import api_client
from missyou_local.demo import demo
from missyou_local.environment import DemoError, Surroundings, find, spare_proxies, state_folder
from missyou_local.installation import tear_down
from missyou_local.pushing import push, repository


def main() -> int:
    """Run one command; errors are a line or two for a person."""
    parser = argparse.ArgumentParser(prog="python -m missyou_local")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo").add_argument("--sample", default="production")
    pushing = commands.add_parser("push")
    pushing.add_argument("tag")
    pushing.add_argument("--app", default="")
    pushing.add_argument("--command", default="", dest="runs")
    commands.add_parser("env")
    commands.add_parser("down")
    options = parser.parse_args()
    spare_proxies()
    try:
        if options.command == "demo":
            return demo(options.sample)
        if options.command == "push":
            return _push(options.tag, options.app, options.runs)
        return _env() if options.command == "env" else _down()
    except (DemoError, NoControlPlaneError) as error:
        sys.stderr.write(f"demo: {error}\n")
    except OSError as error:
        # A full disk, a folder that belongs to somebody else: a stack trace would not help.
        if error.filename is None:
            raise
        sys.stderr.write(f"demo: {error.filename}: {error.strerror}\n")
    except KeyboardInterrupt:
        sys.stderr.write(
            "\ndemo: interrupted; what was started keeps running: make demo goes on, make demo-down ends it\n"
        )
        return 130
    return 1


def _place() -> Surroundings:
    place = find(state_folder())
    if place is None:
        raise DemoError("nothing is running here; start it with: make demo")
    return place


def _push(tag: str, app: str, command: str) -> int:
    place = _place()
    url = repository(api_client(place.kubeconfig), app)
    sys.stdout.write(push(place, url, tag, command) + "\n")
    return 0


def _env() -> int:
    place = _place()
    sys.stdout.write(place.exports() + "\n")
    return 0


def _down() -> int:
    done = tear_down(state_folder())
    sys.stdout.write("\n".join(done or ["nothing was running"]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

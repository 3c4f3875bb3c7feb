"""`python -m missyou_local demo|env|down`: what `make demo`, `make demo-env` and `make demo-down` call."""

from __future__ import annotations

import argparse
import sys

from missyou_local.binaries import NoControlPlaneError
from missyou_local.demo import demo
from missyou_local.environment import DemoError, find, spare_proxies, state_folder
from missyou_local.installation import tear_down


def main() -> int:
    """Run one command; errors are a line or two for a person."""
    parser = argparse.ArgumentParser(prog="python -m missyou_local")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo").add_argument("--sample", default="production")
    commands.add_parser("env")
    commands.add_parser("down")
    options = parser.parse_args()
    spare_proxies()
    try:
        if options.command == "demo":
            return demo(options.sample)
        return _env() if options.command == "env" else _down()
    except (DemoError, NoControlPlaneError) as error:
        sys.stderr.write(f"demo: {error}\n")
    except KeyboardInterrupt:
        sys.stderr.write(
            "\ndemo: interrupted; what was started keeps running: make demo goes on, make demo-down ends it\n"
        )
        return 130
    return 1


def _env() -> int:
    place = find(state_folder())
    if place is None:
        sys.stderr.write("demo: nothing is running here; start it with: make demo\n")
        return 1
    sys.stdout.write(place.exports() + "\n")
    return 0


def _down() -> int:
    done = tear_down(state_folder())
    sys.stdout.write("\n".join(done or ["nothing was running"]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`missyou-operator`: configure logging, read settings, serve."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the operator."""
    # The first process of a container is not ended by a signal that it has no handler for; kopf sets its own later.
    # Set before all the rest is imported, which takes seconds.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    from missyou_operator.controller.logs import configure  # noqa: PLC0415
    from missyou_operator.controller.serving import serve  # noqa: PLC0415
    from missyou_operator.controller.settings import parse_settings  # noqa: PLC0415

    settings = parse_settings(sys.argv[1:])
    configure(json=settings.log_format == "json", verbose=settings.verbose)
    serve(settings)


if __name__ == "__main__":
    main()

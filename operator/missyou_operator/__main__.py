"""`missyou-operator`: configure logging, read settings, serve."""

from __future__ import annotations

import sys

from missyou_operator.controller.handlers import serve
from missyou_operator.controller.logs import configure
from missyou_operator.controller.settings import parse_settings


def main() -> None:
    """Run the operator."""
    settings = parse_settings(sys.argv[1:])
    configure(json=settings.log_format == "json", verbose=settings.verbose)
    serve(settings)


if __name__ == "__main__":
    main()

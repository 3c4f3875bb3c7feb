"""`missyou-operator`: configure logging, read settings, serve."""

from __future__ import annotations

import logging
import sys

from missyou_operator.controller.handlers import serve
from missyou_operator.controller.settings import parse_settings


def main() -> None:
    """Run the operator."""
    settings = parse_settings(sys.argv[1:])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    # kopf reports each retry of the teardown as an error, and each success: our own words are enough.
    logging.getLogger("kopf.objects").setLevel(logging.INFO if settings.verbose else logging.CRITICAL)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    serve(settings)


if __name__ == "__main__":
    main()

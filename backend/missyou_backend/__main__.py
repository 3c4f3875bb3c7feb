"""Check the environment, bring the schema up to date, and serve. The image's entry point."""

from __future__ import annotations

import os
import signal
import sys

from missyou_backend.app import make_app, make_login, make_pusher
from missyou_backend.logs import configure_logs
from missyou_backend.migrate import MigrationError, migrate
from missyou_backend.server import Server
from missyou_backend.settings import SettingsError, read_settings


def main() -> int:
    """Return the exit code of a failed start. Once serving, gunicorn exits with a code of its own."""
    # The first process of a container ignores SIGTERM unless it handles it. gunicorn installs its own handler later.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        settings = read_settings(os.environ)
        configure_logs(debug=settings.debug)
        try:
            make_pusher(settings.firebase_service_account_key)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        migrate(settings.database, login=make_login(settings))
    except (SettingsError, MigrationError) as error:
        sys.stderr.write(f"missyou_backend: {error}\n")
        return 1
    Server(settings, os.environ, lambda: make_app(settings)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""For all tests: a shared machine may be slow at any moment, so no example of hypothesis has a deadline."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("missyou", deadline=None)
hypothesis.settings.load_profile("missyou")

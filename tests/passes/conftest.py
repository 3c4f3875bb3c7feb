"""One test AWS for all tests of this folder. Its slow things take a moment; what moves it on are the passes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from missyou_local.aws import Server, Timing, serve

from .harness import leads_to


@pytest.fixture(scope="session")
def aws() -> Iterator[Server]:
    environ = pytest.MonkeyPatch()
    quick = Timing(**dict.fromkeys(Timing.__dataclass_fields__, 0.1))
    server = serve(timing=quick)
    for name, value in leads_to(server).items():
        environ.setenv(name, value)
    # A role is usable some seconds after it was made, on AWS and so here; the tests need not wait for that.
    environ.setattr("missyou_operator.aws.iam.PROPAGATION", 0.0)
    yield server
    environ.undo()
    server.close()

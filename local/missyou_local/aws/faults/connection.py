"""What a fault does to a connection or to the caller's process: a cut, silence, SIGKILL.

Each call ends in an answer or in one of the two exceptions here. The server acts on its socket accordingly.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from typing import NoReturn

from missyou_local.aws.faults.drawing import Effect
from missyou_local.aws.wire import Response

_LONGEST_SILENCE = 60.0
"""Seconds after which a connection that gets no answer is cut."""
_NO_LINGER = struct.pack("ii", 1, 0)


class Cut(Exception):  # noqa: N818 - an event of the network, and no error of ours
    """The connection is reset, without an answer."""


class Silence(Exception):  # noqa: N818 - as above
    """The connection stays open, and no answer comes."""


def before(effect: Effect) -> bool:
    """Do what happens before the call takes effect; return whether it must not take effect any more."""
    if effect.kill and effect.kill.when == "before":
        os.kill(effect.kill.pid, signal.SIGKILL)
        return True
    return effect.cut == "before"


def after(effect: Effect, response: Response | None) -> Response:
    """Return the answer to send. Errors: Cut, Silence."""
    if effect.kill and effect.kill.when == "after":
        os.kill(effect.kill.pid, signal.SIGKILL)
    if effect.hang:
        raise Silence
    if response is None or effect.cut or effect.kill:
        raise Cut
    return response


def wait_for_end(connection: socket.socket) -> None:
    """Wait until the client gives up."""
    connection.settimeout(_LONGEST_SILENCE)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return


def cut(connection: socket.socket) -> NoReturn:
    """Reset the connection, as a broken network does. Raises ConnectionAbortedError, which ends werkzeug's part."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    os.close(connection.detach())
    raise ConnectionAbortedError("an injected fault has cut the connection")

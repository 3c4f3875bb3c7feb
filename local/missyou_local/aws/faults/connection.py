"""What a rule does to a connection or to a caller's process: cuts, silence, the end.

The fate of a call ends in an answer or in one of the two exceptions here; what they do to a socket is done at the edge.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from typing import NoReturn

from missyou_local.aws.faults.drawing import Fate
from missyou_local.aws.wire import Response

_LONGEST_SILENCE = 60.0
"""Seconds after which a connection that gets no answer is cut."""
_NO_LINGER = struct.pack("ii", 1, 0)


class Cut(Exception):  # noqa: N818 - an event of the network, and no error of ours
    """The connection is reset, without an answer."""


class Silence(Exception):  # noqa: N818 - as above
    """The connection stays, and no answer comes."""


def before(fate: Fate) -> bool:
    """Strike what is struck before the call takes effect; tell whether it must not take effect any more."""
    if fate.kill and fate.kill.when == "before":
        os.kill(fate.kill.pid, signal.SIGKILL)
        return True
    return fate.cut == "before"


def after(fate: Fate, response: Response | None) -> Response:
    """Return the answer to send. Raises Cut or Silence where there is none."""
    if fate.kill and fate.kill.when == "after":
        os.kill(fate.kill.pid, signal.SIGKILL)
    if fate.hang:
        raise Silence
    if response is None or fate.cut or fate.kill:
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
    raise ConnectionAbortedError("a control rule has cut the connection")

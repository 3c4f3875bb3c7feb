"""Where a request ends, in whatever pieces it arrives: the same as gunicorn's parser finds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from gunicorn import http
from gunicorn.config import Config
from hypothesis import given
from hypothesis import strategies as st

from missyou_backend.framing import MAX_HEAD, Incoming, Progress

MAX_BODY = 1000
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"


def chunked(parts: list[bytes], trailers: bytes = b"") -> bytes:
    frames = b"".join(b"%x;note=1\r\n%b\r\n" % (len(part), part) for part in parts if part)
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + frames + b"0\r\n" + trailers + b"\r\n"


BODIES = st.lists(st.binary(max_size=50), max_size=5)
WHOLE = (
    st.just(GET)
    | st.binary(max_size=200).map(lambda body: POST + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    | BODIES.map(chunked)
    | BODIES.map(lambda parts: chunked(parts, b"X-Sum: 1\r\nX-More: 2\r\n"))
)


@given(WHOLE, WHOLE, st.lists(st.integers(0, 400), max_size=8))
def test_a_request_is_whole_at_its_last_byte_in_whatever_pieces_it_comes(request_, second, cuts) -> None:
    sent = request_ + second
    incoming, taken = Incoming(MAX_BODY), []
    places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    for begin, end in pairwise(places):
        progress = incoming.feed(sent[begin:end])
        while progress is Progress.WHOLE:
            taken.append(incoming.take())
            progress = incoming.feed(b"")
        assert progress is Progress.INCOMPLETE
        assert (len(taken) > 0) == (end >= len(request_))
    assert taken == [request_, second]
    assert not incoming


@given(WHOLE)
def test_gunicorn_reads_it_to_the_end_and_no_further(request_) -> None:
    parser = http.get_parser(Config(), iter((request_ + b"REST",)), ("127.0.0.1", 1))
    next(parser)
    assert parser.finish_body()
    assert parser.unreader.read() == b"REST"
    incoming = Incoming(MAX_BODY)
    assert incoming.feed(request_ + b"REST") is Progress.WHOLE
    assert incoming.take() == request_


@pytest.mark.parametrize(
    ("data", "progress"),
    [
        (b"GET /" + b"a" * MAX_HEAD, Progress.HEAD_TOO_LARGE),
        (b"X: 1\r\n" * (MAX_HEAD // 4), Progress.HEAD_TOO_LARGE),
        (POST + b"Content-Length: 1001\r\n\r\n", Progress.BODY_TOO_LARGE),
        (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", Progress.BODY_TOO_LARGE),
        (chunked([b"x" * 500, b"x" * 501]), Progress.BODY_TOO_LARGE),
        (chunked([b"x" * 1000]), Progress.WHOLE),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: 1\r\n" * MAX_HEAD, Progress.BODY_TOO_LARGE),
        # Malformed: gunicorn is shown it, and refuses it.
        (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Progress.WHOLE),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", Progress.WHOLE),
        (POST + b"Content-Length: -1\r\n\r\n", Progress.WHOLE),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", Progress.WHOLE),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 3000, Progress.WHOLE),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 3000 + b"\r\n", Progress.WHOLE),
    ],
)
def test_what_is_too_large_or_malformed_is_not_waited_for(data, progress) -> None:
    assert Incoming(MAX_BODY).feed(data) is progress


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_can_be_fed(data, cuts) -> None:
    incoming = Incoming(MAX_BODY)
    for begin, end in pairwise([0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]):
        if incoming.feed(data[begin:end]) is Progress.WHOLE:
            incoming.take()

"""Why a request got no answer, in words for people: errors of sockets, TLS and HTTP name their own internals."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import Final

_SOCKET_WORDS: Final = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "the connection was reset",
    errno.ECONNABORTED: "the connection was reset",
    errno.EPIPE: "the connection was reset",
    errno.EHOSTUNREACH: "the host cannot be reached",
    errno.ENETUNREACH: "the network cannot be reached",
    errno.ETIMEDOUT: "no response in time",
}

_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER")
"""Reasons that begin like this mean that the other end does not speak TLS at all."""

_OLD_TLS: Final = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "VERSION_TOO_LOW")

LOST: Final = "the connection was lost"


def network_words(error: BaseException) -> str:
    """`the connection was reset`: why no complete answer came. Never empty, never with an error number."""
    if isinstance(error, ssl.SSLError):
        return _tls_words(error)
    if isinstance(error, TimeoutError):
        return "no response in time"
    if isinstance(error, socket.gaierror):
        again = error.errno == socket.EAI_AGAIN
        return "host names cannot be looked up" if again else "the host name does not exist"
    number = error.errno if isinstance(error, OSError) else None
    return LOST if number is None else _SOCKET_WORDS.get(number) or os.strerror(number).lower()


def _tls_words(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    if reason.startswith(_NO_TLS):
        return "it does not speak TLS"
    if reason.startswith(_OLD_TLS):
        return "it does not support TLS 1.2 or newer"
    if "EOF" in reason or not reason:
        return "the connection was closed during the TLS handshake"
    return f"the TLS handshake failed: {reason.replace('_', ' ').lower()}"

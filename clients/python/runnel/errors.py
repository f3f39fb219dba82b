"""What a server refuses, as one class with a code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RunnelError(Exception):
    """An `error` frame, or a failure of the connection (`unavailable`). Programs read `code`, people `str(error)`."""

    def __init__(self, code: str, message: str = "", *, retryable: bool = False, retry_after: float | None = None):
        super().__init__(message or code)
        self.code = code
        self.retryable = retryable
        #: Seconds, where the server said when.
        self.retry_after = retry_after

    @classmethod
    def of(cls, frame: Mapping[str, Any]) -> RunnelError:
        after = frame.get("retryAfterMs")
        return cls(
            str(frame.get("code", "internal")),
            str(frame.get("message", "")),
            retryable=frame.get("retryable") is True,
            retry_after=None if after is None else float(after) / 1000,
        )

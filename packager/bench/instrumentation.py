"""Parses the output of `am instrument -r` line by line: statuses, then a result."""

from __future__ import annotations

from dataclasses import dataclass, field

_STATUS, _STATUS_CODE = "INSTRUMENTATION_STATUS: ", "INSTRUMENTATION_STATUS_CODE: "
_RESULT, _CODE = "INSTRUMENTATION_RESULT: ", "INSTRUMENTATION_CODE: "
_ENDS = ("INSTRUMENTATION_FAILED: ", "INSTRUMENTATION_ABORTED: ")
_FINISHED = -1  # Activity.RESULT_OK
_FAILED = (-1, -2)  # a test that threw, and one whose assertion failed
_KEPT = 20
_MOST_VALUES, _MOST_VALUE = 100, 20_000  # of a report; more is skipped
_MOST_LINE = 500  # of what is shown


@dataclass(frozen=True)
class Status:
    """One report: a test that begins (code 1) or ends (0 well, below 0 not), or what it sends."""

    code: int
    values: dict[str, str]


@dataclass
class Transcript:
    """The state after all lines printed so far.

    Attributes:
        finished: it ran to its end, whether the tests passed or not.
        failure: of the first test that failed, its stack; or why there was no run.
        strays: the last lines that are not part of the format.
    """

    finished: bool = False
    failure: str | None = None
    strays: list[str] = field(default_factory=list)
    _values: dict[str, str] = field(default_factory=dict)
    _key: str | None = None

    def read(self, line: str) -> Status | None:
        """Takes the next line; returns a status when the line completes one."""
        if line.startswith((_STATUS, _RESULT)):
            self._key, _, value = line.partition(": ")[2].partition("=")
            if len(self._values) < _MOST_VALUES:
                self._values[self._key] = value[:_MOST_VALUE]
        elif line.startswith(_STATUS_CODE):
            return self._status(_number(line))
        elif line.startswith(_CODE):
            self._end(_number(line))
        elif line.startswith(_ENDS):
            self.failure = self.failure or line.partition(": ")[2][:_MOST_VALUE]
            self._key = None
        elif self._key is not None:  # a value of several lines
            so_far = self._values.get(self._key, "")
            if self._key in self._values and len(so_far) < _MOST_VALUE:
                self._values[self._key] = f"{so_far}\n{line[:_MOST_LINE]}"
        elif line.strip():
            self.strays = [*self.strays, line[:_MOST_LINE]][-_KEPT:]
        return None

    def _status(self, code: int) -> Status:
        status = Status(code, self._values)
        self._values, self._key = {}, None
        if code in _FAILED and self.failure is None:
            why = status.values.get("stack") or status.values.get("Error") or "a test failed"
            self.failure = why.strip()
        return status

    def _end(self, code: int) -> None:
        crash = self._values.get("longMsg") or self._values.get("shortMsg")
        self.finished = code == _FINISHED and crash is None
        if crash is not None:
            self.failure = self.failure or crash.strip()
        elif code != _FINISHED:
            self.failure = self.failure or self._values.get("stream", "").strip() or None
        self._values, self._key = {}, None


def _number(line: str) -> int:
    try:
        return int(line.partition(": ")[2])
    except ValueError:
        return 0

"""`am instrument -r`, line by line."""

from __future__ import annotations

from packager.bench.instrumentation import Status, Transcript


def read(text: str) -> tuple[Transcript, list[Status]]:
    transcript = Transcript()
    found = [transcript.read(line) for line in text.splitlines()]
    return transcript, [status for status in found if status is not None]


def test_a_run_that_passes() -> None:
    transcript, statuses = read(
        "INSTRUMENTATION_STATUS: class=a.PlanTest\n"
        "INSTRUMENTATION_STATUS: test=walks\n"
        "INSTRUMENTATION_STATUS_CODE: 1\n"
        "INSTRUMENTATION_STATUS: note=a=b\n"
        "INSTRUMENTATION_STATUS_CODE: 2\n"
        "INSTRUMENTATION_STATUS: stream=\n.\n"
        "INSTRUMENTATION_STATUS_CODE: 0\n"
        "INSTRUMENTATION_RESULT: stream=\n\nTime: 3\n\nOK (1 test)\n\n\n"
        "INSTRUMENTATION_CODE: -1\n"
    )
    assert statuses == [
        Status(1, {"class": "a.PlanTest", "test": "walks"}),
        Status(2, {"note": "a=b"}),
        Status(0, {"stream": "\n."}),
    ]
    assert transcript.finished
    assert transcript.failure is None
    assert transcript.strays == []


def test_the_first_stack_is_the_reason() -> None:
    transcript, _ = read(
        "INSTRUMENTATION_STATUS: stack=java.lang.Exception: first\n\tat a.B\n"
        "INSTRUMENTATION_STATUS_CODE: -1\n"
        "INSTRUMENTATION_STATUS: stack=second\n"
        "INSTRUMENTATION_STATUS_CODE: -2\n"
        "INSTRUMENTATION_CODE: -1\n"
    )
    assert transcript.finished
    assert transcript.failure == "java.lang.Exception: first\n\tat a.B"


def test_ignored_and_assumed_tests_are_no_failures() -> None:
    transcript, _ = read(
        "INSTRUMENTATION_STATUS_CODE: -3\nINSTRUMENTATION_STATUS_CODE: -4\nINSTRUMENTATION_CODE: -1"
    )
    assert transcript.finished
    assert transcript.failure is None


def test_crashes_and_refusals() -> None:
    for text, why in (
        ("INSTRUMENTATION_RESULT: shortMsg=Process crashed.\nINSTRUMENTATION_CODE: 0",
         "Process crashed."),
        ("INSTRUMENTATION_RESULT: longMsg=long\nINSTRUMENTATION_RESULT: shortMsg=short\n"
         "INSTRUMENTATION_CODE: 0", "long"),
        ("INSTRUMENTATION_STATUS: Error=Unable to find instrumentation info for: x/y\n"
         "INSTRUMENTATION_STATUS_CODE: -1\nINSTRUMENTATION_FAILED: x/y",
         "Unable to find instrumentation info for: x/y"),
        ("INSTRUMENTATION_ABORTED: System has crashed.", "System has crashed."),
    ):  # fmt: skip
        transcript, _ = read(text)
        assert not transcript.finished
        assert transcript.failure == why


def test_strays_are_kept_for_the_message_but_not_without_end() -> None:
    transcript, statuses = read(
        "\n".join(f"noise {number}" for number in range(100)) + "\nINSTRUMENTATION_STATUS_CODE: x"
    )
    assert transcript.strays[-1] == "noise 99"
    assert len(transcript.strays) == 20
    assert statuses == [Status(0, {})]
    assert not transcript.finished

"""Processes photos on all cores, in bounded memory, with results in order."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Tool = TypeVar("Tool")


def cores() -> int:
    """The number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def each(
    make_tool: Callable[[], Tool],
    work: Callable[[Tool, Item], Result],
    items: Iterable[Item],
    *,
    workers: int | None = None,
) -> Iterator[Result]:
    """`work(tool, item)` for each item, in the items' order, on `workers` threads.

    Each thread makes one tool (an interpreter, say) and keeps it. At most four results a thread
    wait to be taken, so memory doesn't grow with the number of items. The first exception ends
    the iteration; what has not begun then is dropped.
    """
    count = workers or cores()
    local = threading.local()

    def run(item: Item) -> Result:
        if not hasattr(local, "tool"):
            local.tool = make_tool()
        return work(local.tool, item)

    pool = ThreadPoolExecutor(count, thread_name_prefix="packager")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(run, item))
            if len(waiting) >= 4 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

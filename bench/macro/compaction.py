"""Compaction (16): how much log a core cleans in a second, judged by the files, since both brokers write the same."""

import pathlib
import time

from . import brokers, clients
from .cases import Case, Goal, Scenario, Sizes

SEGMENT_BYTES = 64 << 20

CASES = tuple(
    Case(f"compaction-{name}", "16", "MB/cpu-s", f"log read by the cleaner a second of broker CPU: {size} B values, each key twice", "1",
         "256 KiB", "1", goals=(Goal(5, at_least=True),)) for name, size in (("1k", 1024), ("100", 100)))


def measure(make: brokers.Maker, sizes: Sizes) -> dict[str, float]:
    figures = {}
    segment = min(SEGMENT_BYTES, int(sizes.compaction_megabytes * 1e6 / 4))
    for name, size in (("1k", 1024), ("100", 100)):
        with make(log_cleaner_backoff_ms=500) as broker:
            clients.warm_memory(broker.directory, 2 * sizes.compaction_megabytes)
            clients.create(broker, "keyed", segment_bytes=max(1 << 20, segment), min_cleanable_dirty_ratio=0.01)
            records = int(sizes.compaction_megabytes * 1e6 / (size + 20))
            clients.franz("keyed", broker, "keyed", records=records, keys=records // 2, size=size)
            begin = _closed_bytes(broker)
            before = brokers.settle(broker.pid)
            clients.set_topic_configs(broker, "keyed", cleanup_policy="compact")
            _await_cleaned(broker, begin)
            figures[f"compaction-{name}"] = begin / 1e6 / max(1 / brokers.TICKS, brokers.settle(broker.pid) - before)
    return figures


def _segments(broker) -> list[int]:
    return [path.stat().st_size for path in sorted((pathlib.Path(broker.data) / "keyed-0").glob("*.log"))]


def _closed_bytes(broker) -> int:
    """What may be compacted: all but the active segment."""
    return sum(_segments(broker)[:-1])


def _await_cleaned(broker, begin: int, timeout: float = 900) -> None:
    """The checkpoint of the cleaner names the log, and its closed segments are smaller than they were."""
    deadline = time.monotonic() + timeout
    checkpoint = pathlib.Path(broker.data) / "cleaner-offset-checkpoint"
    while time.monotonic() < deadline:
        time.sleep(0.2)
        try:
            if checkpoint.exists() and "keyed 0 " in checkpoint.read_text() and _closed_bytes(broker) < begin:
                return
        except FileNotFoundError:
            pass  # a segment was put in another's place meanwhile
    raise RuntimeError(f"the log is not compacted after {timeout} s: {_segments(broker)}")


SCENARIO = Scenario(CASES, measure)

"""What a case is, and the words that scenarios share."""

import dataclasses
import pathlib
from typing import Callable


@dataclasses.dataclass(frozen=True)
class Goal:
    """Moldau's figure against a peer's ("kafka", "floor"), or by itself (peer None): at most, or with `at_least` no less."""

    limit: float
    peer: str | None = "kafka"
    at_least: bool = False

    def text(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.limit:g}" if self.peer is None else f"{sign} {self.limit:g} x {self.peer}"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    number: str  # in the matrix of cases: one may be measured in several ways
    unit: str
    what: str
    acks: str = "-"
    batch: str = "-"
    partitions: str = "-"
    sync: str = "none"
    goals: tuple[Goal, ...] = ()


@dataclasses.dataclass(frozen=True)
class Sizes:
    megabytes: float = 1000  # of records a transfer
    latency_records: int = 10_000
    idle_seconds: float = 10
    seconds: float = 5  # of cases that count what is done in a time
    partitions: int = 10_000
    partitions_large: int = 0  # of Moldau alone
    recovery_megabytes: float = 8000
    compaction_megabytes: float = 500
    syncs: int = 2000

    @staticmethod
    def quick() -> "Sizes":
        """Proves that every case runs; the figures say nothing."""
        return Sizes(megabytes=2, latency_records=50, idle_seconds=0.5, seconds=0.5, partitions=40, partitions_large=100,
                     recovery_megabytes=8, compaction_megabytes=4, syncs=50)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Cases that are measured together. `floor` measures the same work by the smallest programs, where there are some."""

    cases: tuple[Case, ...]
    measure: Callable[..., dict[str, float]]  # (brokers.Maker, Sizes) -> figures by case
    floor: Callable[[pathlib.Path, Sizes], dict[str, float]] | None = None

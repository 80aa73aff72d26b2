"""Bytes in bulk: cases 1, 2, 4 and 10, and the memory that case 1 takes (19)."""

import pathlib
import statistics

from . import brokers, clients
from .cases import Case, Goal, Scenario, Sizes

BATCH = "256 KiB, linger 5 ms"
CPU = "cpu-s"

CASES = (
    Case("produce-1k", "1", CPU, "ProducerPerformance, 1 KB", "1", BATCH, "6", goals=(Goal(0.18), Goal(1.3, "floor"))),
    Case("produce-1k-one", "1", CPU, "the same to one partition", "1", BATCH, "1", goals=(Goal(0.18), Goal(1.3, "floor"))),
    Case("produce-1k-rdkafka", "1", CPU, "rdkafka_performance, 1 KB", "1", BATCH, "6", goals=(Goal(0.18), Goal(1.3, "floor"))),
    Case("produce-1k-all", "1", CPU, "ProducerPerformance, 1 KB", "all", BATCH, "6", goals=(Goal(0.18),)),
    Case("produce-rss", "19", "MiB", "peak resident memory under produce-1k", "1", BATCH, "6", goals=(Goal(64, None),)),
    Case("produce-100", "2", CPU, "ProducerPerformance, 100 B", "1", BATCH, "6", goals=(Goal(0.15),)),
    Case("produce-100-rdkafka", "2", CPU, "rdkafka_performance, 100 B", "1", BATCH, "6", goals=(Goal(0.15),)),
    Case("idempotent", "4", "of self", "rdkafka_performance, 1 KB: CPU with enable.idempotence=true over that without, both at acks=all",
         "all", BATCH, "6", goals=(Goal(1.03, None),)),
    Case("consume-1k", "10", CPU, "kcat reads the 1 KB topic from the page cache", partitions="6",
         goals=(Goal(0.2), Goal(2, "floor"))),
)


def _cpu(broker, work) -> float:
    before = brokers.cpu_seconds(broker.pid)
    work()
    return brokers.cpu_seconds(broker.pid) - before


def measure(make: brokers.Maker, sizes: Sizes) -> dict[str, float]:
    figures = {}
    size = sizes.megabytes
    with make() as broker:
        clients.warm_memory(broker.directory, 9 * size)
        # What the first bytes cost (JIT, files, connections) belongs to no case.
        clients.producer_performance(broker, "warm", 1024, size / 4)
        clients.kcat_read(broker, "warm")
        clients.create(broker, "k1one", 1)

        brokers.forget_peak(broker.pid)
        figures["produce-1k"] = _cpu(broker, lambda: clients.producer_performance(broker, "k1", 1024, size))
        figures["produce-rss"] = brokers.peak_mib(broker.pid)
        figures["produce-1k-one"] = _cpu(broker, lambda: clients.producer_performance(broker, "k1one", 1024, size))
        figures["consume-1k"] = _cpu(broker, lambda: clients.kcat_read(broker, "k1"))
        figures["produce-1k-rdkafka"] = _cpu(broker, lambda: clients.rdkafka_produce(broker, "k1rd", 1024, size))
        figures["produce-1k-all"] = _cpu(broker, lambda: clients.producer_performance(broker, "k1all", 1024, size, "all"))
        figures["produce-100"] = _cpu(broker, lambda: clients.producer_performance(broker, "b100", 100, size))
        figures["produce-100-rdkafka"] = _cpu(broker, lambda: clients.rdkafka_produce(broker, "b100rd", 100, size))
        figures["idempotent"] = _idempotent(broker, size / 2)
    return figures


def _idempotent(broker, megabytes: float) -> float:
    ratios = []
    for _ in range(3):
        pair = [max(1 / brokers.TICKS, _cpu(broker, lambda: clients.rdkafka_produce(
            broker, "idempotent", 1024, megabytes, "-1", f"enable.idempotence={wanted}"))) for wanted in ("true", "false")]
        ratios.append(pair[0] / pair[1])
    return statistics.median(ratios)


def floor(directory: pathlib.Path, sizes: Sizes) -> dict[str, float]:
    gigabytes = sizes.megabytes / 1000
    count = int(sizes.megabytes * 1e6)
    clients.warm_memory(directory, 256)
    append = gigabytes * clients.floor("floor_append", r"server ([\d.]+) cpu-s/GB", "--bytes", count, "--dir", directory)[0]
    sendfile = gigabytes * clients.floor("floor_sendfile", r"server ([\d.]+) cpu-s/GB", "--bytes", count, "--dir", directory)[0]
    return {"produce-1k": append, "produce-1k-one": append, "produce-1k-rdkafka": append, "consume-1k": sendfile}


SCENARIO = Scenario(CASES, measure, floor)

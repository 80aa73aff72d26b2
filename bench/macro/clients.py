"""The clients of the benchmark: Apache's tools, kcat, rdkafka_performance, a driver on franz-go; and the floor programs."""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import kafka

BENCH = pathlib.Path(__file__).resolve().parent.parent
BUILD = BENCH.parent / "build" / "bench"
RDKAFKA_SOURCE = pathlib.Path("/usr/share/doc/librdkafka-dev/examples/rdkafka_performance.c")
TOOLS = "org.apache.kafka.tools"
JVM = ("-Xmx1G",)


def run(command, timeout: float = 1800) -> str:
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout


def java(main: str, *arguments) -> list[str]:
    return kafka.java_command(f"{TOOLS}.{main}", *arguments, jvm=JVM)


def create(broker, topic: str, partitions: int = 1, **configs) -> None:
    named = [part for key, value in configs.items() for part in ("--config", f"{key.replace('_', '.')}={value}")]
    run(java("TopicCommand", "--bootstrap-server", broker.bootstrap, "--create", "--topic", topic, "--partitions", partitions, *named))


def set_topic_configs(broker, topic: str, **configs) -> None:
    changes = ",".join(f"{key.replace('_', '.')}={value}" for key, value in configs.items())
    run(kafka.java_command("kafka.admin.ConfigCommand", "--bootstrap-server", broker.bootstrap, "--alter", "--entity-type", "topics",
                           "--entity-name", topic, "--add-config", changes, jvm=JVM))


def producer_performance(broker, topic: str, size: int, megabytes: float, acks: str = "1", *properties: str) -> None:
    records = max(1, int(megabytes * 1e6 / size))
    output = run(java("ProducerPerformance", "--bootstrap-server", broker.bootstrap, "--topic", topic, "--num-records", records,
                      "--record-size", size, "--throughput", "-1", "--command-property", f"acks={acks}", "batch.size=262144",
                      "linger.ms=5", *properties))
    if not re.search(rf"{records} records sent, [\d.,]+ records/sec", output):
        raise RuntimeError(f"ProducerPerformance did not send {records} records: {output[-1000:]}")


def kcat_read(broker, topic: str) -> None:
    run(["kcat", "-b", broker.bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", ""])


@functools.cache
def rdkafka_performance() -> pathlib.Path:
    """librdkafka's own program, built from the source in Debian's librdkafka-dev."""
    if not RDKAFKA_SOURCE.exists():
        raise RuntimeError(f"{RDKAFKA_SOURCE} is missing: dev/install test brings librdkafka-dev; dpkg may be set to leave out documentation")
    target = BUILD / "rdkafka_performance"
    target.parent.mkdir(parents=True, exist_ok=True)
    run(["clang-19", "-O2", "-w", f"-I{BENCH}/clients/rdkafka/src", "-I/usr/include/librdkafka", RDKAFKA_SOURCE, "-o", target,
         "-lrdkafka", "-lpthread", "-lm"])
    return target


def rdkafka_produce(broker, topic: str, size: int, megabytes: float, acks: str = "1", *properties: str) -> None:
    records = max(1, int(megabytes * 1e6 / size))
    options = [part for text in ("linger.ms=5", "batch.size=262144", *properties) for part in ("-X", text)]
    command = [rdkafka_performance(), "-P", "-b", broker.bootstrap, "-t", topic, "-s", size, "-c", records, "-a", acks, "-q", *options]
    with tempfile.TemporaryFile(mode="w+") as output:  # what it says goes to standard error
        done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=1800)
        output.seek(0)
        text = output.read()
    if done.returncode != 0 or not re.search(rf"{records} delivered .*\b0 failed", text):
        raise RuntimeError(f"rdkafka_performance did not deliver {records} records: {text[-1500:]}")


@functools.cache
def franz_go() -> pathlib.Path:
    """bench/clients/franz-go, whose modules come through Go's own module cache and proxy."""
    go = shutil.which("go") or "/usr/local/go/bin/go"
    if not pathlib.Path(go).exists():
        raise RuntimeError("bench: the franz-go driver wants Go 1.26 or newer; there is no go in PATH")
    target = BUILD / "franz-go"
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([go, "build", "-o", target, "."], cwd=BENCH / "clients" / "franz-go", check=True)
    return target


def franz(mode: str, broker, topic: str, **flags) -> dict:
    options = [part for key, value in flags.items() for part in (f"-{key.replace('_', '-')}", value)]
    return json.loads(run([franz_go(), mode, broker.bootstrap, topic, *options]))


@functools.cache
def _floor_directory() -> pathlib.Path:
    """Beside the broker if it has them, else built."""
    given = os.environ.get("MOLDAU_FLOOR")
    if given:
        return pathlib.Path(given)
    subprocess.run([BENCH.parent / "dev/build", "release", "bench_floor"], check=True)
    return BENCH.parent / "build/release/bench"


def floor(program: str, pattern: str, *arguments) -> list[float]:
    """What the program says, as the groups of the pattern."""
    output = run([_floor_directory() / program, *arguments])
    found = re.search(pattern, output)
    if not found:
        raise RuntimeError(f"{program} said {output}")
    return [float(value) for value in found.groups()]


def warm_memory(directory: pathlib.Path, megabytes: float) -> None:
    """Memory that a virtual machine gave back is expensive to touch first: it is touched here, and belongs to no case."""
    directory.mkdir(parents=True, exist_ok=True)
    piece = bytes(1 << 20)
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(int(megabytes) + 1):
            file.write(piece)

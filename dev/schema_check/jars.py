"""Reads what the jars of Apache Kafka hold: JSON schemas by unzipping, errors and configuration keys by a Java program."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

from json_schema import parse_json_schema
from model import Message

VERSION = "4.3.1"
# The jars that hold schemas, and how many: a new or lost one must be noticed.
SCHEMAS = {
    "clients": 198,
    "group-coordinator": 44,
    "metadata": 26,
    "raft": 1,
    "share-coordinator": 4,
    "storage": 5,
    "streams": 1,
    "transaction-coordinator": 2,
}
_HERE = Path(__file__).resolve().parent


class CheckError(Exception):
    """The comparison could not be made."""


def find_jars(root: Path) -> Path:
    """The directory of jars that dev/oracle/fetch-jars keeps; it fetches them the first time."""
    done = subprocess.run([root / "dev" / "oracle" / "fetch-jars"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 77:
        raise SkippedError(done.stderr.strip())
    if done.returncode != 0:
        raise CheckError(f"dev/oracle/fetch-jars failed:\n{done.stderr.strip()}")
    return Path(done.stdout.strip().splitlines()[-1])


class SkippedError(CheckError):
    """The jars are not here and the network is not allowed."""


def read_schemas(jars: Path) -> list[Message]:
    messages: list[Message] = []
    for module, count in SCHEMAS.items():
        path = jars / f"kafka-{module}-{VERSION}.jar"
        if not path.is_file():
            raise CheckError(f"{path} is missing")
        with zipfile.ZipFile(path) as jar:
            names = sorted(name for name in jar.namelist() if name.endswith(".json"))  # nothing else is JSON there
            messages += [parse_json_schema(name, jar.read(name).decode("utf-8")) for name in names]
        if len(names) != count:
            raise CheckError(f"{path.name} holds {len(names)} schemas, not {count}")
    return messages


def read_facts(jars: Path) -> list[str]:
    """What KafkaFacts.java prints: a line each for errors, keys, synonyms."""
    code, out, errors = _run_java(jars, "KafkaFacts.java", None)
    if code != 0:
        raise CheckError(f"KafkaFacts.java failed:\n{errors}")
    return out.splitlines()


def check_frames(jars: Path, frames: bytes) -> tuple[bool, list[str]]:
    """Whether Kafka's classes read all frames and write them back equal, and what FrameCheck.java prints about it."""
    code, out, errors = _run_java(jars, "FrameCheck.java", frames)
    if code not in (0, 1) or not out:
        raise CheckError(f"FrameCheck.java failed:\n{errors}")
    return code == 0, out.splitlines()


def _run_java(jars: Path, program: str, given: bytes | None) -> tuple[int, str, str]:
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*", str(_HERE / program)]
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace").strip()

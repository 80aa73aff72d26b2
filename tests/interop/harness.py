"""What the interop tests share: the broker under test, and one printed line a case.

usage of each test: TEST (--moldau BINARY | --apache | --bootstrap HOST:PORT)

--moldau starts the binary in a fresh directory; --apache runs the same cases against Apache Kafka 4.3.1, which must pass them;
--bootstrap takes a broker that runs (cases that look at its files are skipped). MOLDAU in the environment is the default.
"""

import argparse
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "dev" / "oracle"))

import kafka  # noqa: E402
from kafka.moldau import Moldau  # noqa: E402

SETTINGS = {"log.retention.ms": "-1", "offsets.topic.num.partitions": "1", "transaction.state.log.num.partitions": "1"}


class Skip(Exception):
    """This case cannot run here; the text is the reason."""


class Running:
    """A broker that someone else started."""

    def __init__(self, bootstrap: str):
        self.bootstrap = bootstrap
        self.data = None


def check(condition, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def equal(got, wanted, what: str) -> None:
    if got != wanted:
        raise AssertionError(f"{what}: got {_short(got)}, wanted {_short(wanted)}")


def _short(value) -> str:
    text = repr(value)
    return text if len(text) < 400 else f"{text[:400]}... ({len(text)} characters)"


def tool(main: str, *arguments, input: bytes | None = None, timeout: float = 300, allow_failure: bool = False) -> str:
    """Runs a tool of Apache Kafka; its output."""
    done = kafka.run_java(main, *arguments, input=input, timeout=timeout)
    output = done.stdout.decode()
    check(allow_failure or done.returncode == 0, f"{main} ended with {done.returncode}: {output} {done.stderr.decode()[-2000:]}")
    return output


def kcat(bootstrap: str, *arguments, input: bytes | None = None, timeout: float = 60) -> bytes:
    done = subprocess.run(["kcat", "-b", bootstrap, *map(str, arguments)], input=input, capture_output=True, timeout=timeout)
    check(done.returncode == 0, f"kcat {arguments} ended with {done.returncode}: {done.stderr.decode()[-1000:]}")
    return done.stdout


def run_cases(cases: list, broker) -> int:
    failed = 0
    for case in cases:
        name = case.__name__.removeprefix("case_").replace("_", " ")
        try:
            case(broker)
            print(f"PASS {name}", flush=True)
        except Skip as reason:
            print(f"SKIP {name}: {reason}", flush=True)
        except Exception as error:  # a case's end, whatever it is, must not hide the others
            failed += 1
            where = "" if isinstance(error, AssertionError) else traceback.format_exc(limit=-2).replace("\n", " | ")
            print(f"FAIL {name}: {str(error)[-4000:]} {where[:1000]}".replace("\n", " "), flush=True)
    return failed


@contextlib.contextmanager
def broker_of(arguments, more: dict | None = None):
    settings = SETTINGS | (more or {})
    with tempfile.TemporaryDirectory(prefix="moldau-interop-") as work:
        if arguments.bootstrap:
            yield Running(arguments.bootstrap)
        elif arguments.apache:
            with kafka.ApacheKafka(work, settings) as broker:
                yield broker
        else:
            with Moldau(arguments.moldau, work, settings) as broker:
                yield broker


def arguments_of(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--moldau", metavar="BINARY", default=os.environ.get("MOLDAU"))
    parser.add_argument("--apache", action="store_true")
    parser.add_argument("--bootstrap", metavar="HOST:PORT")
    arguments = parser.parse_args()
    if not (arguments.moldau or arguments.apache or arguments.bootstrap):
        parser.error("one of --moldau, --apache, --bootstrap, or MOLDAU in the environment")
    return arguments


def main(module_doc: str, cases: list) -> int:
    arguments = arguments_of(module_doc.splitlines()[0])
    try:
        with broker_of(arguments) as broker:
            return 1 if run_cases(cases, broker) else 0
    except kafka.Skipped as reason:
        print(f"SKIP {pathlib.Path(sys.argv[0]).stem}: {reason}")
        return 77
    except RuntimeError as error:
        print(f"FAIL start: {error}".replace("\n", " | "))
        return 1


def cases_of(namespace: dict) -> list:
    """The functions called case_*, in the order of their lines."""
    found = [value for name, value in namespace.items() if re.match("case_", name)]
    return sorted(found, key=lambda case: case.__code__.co_firstlineno)

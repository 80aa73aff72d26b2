#!/usr/bin/env python3
"""What a broker answers to bad input, sent over raw sockets; after each the broker must still serve.

usage: tests/hostile/bad_input_test.py (--moldau BINARY | --apache | --bootstrap HOST:PORT)

One case an input of cases_*.py, named after its number in the catalogue of bad inputs. --apache shows that Apache Kafka 4.3.1
answers the same, but for the differences that a case names (`is_apache`).
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

import cases_admin  # noqa: E402
import cases_fetch  # noqa: E402
import cases_frames  # noqa: E402
import cases_produce  # noqa: E402
import harness  # noqa: E402
import kafka  # noqa: E402
from harness import check  # noqa: E402
from under_test import SETTINGS, Broker  # noqa: E402

TABLES = (cases_frames, cases_produce, cases_fetch, cases_admin)
# The numbers that a node without groups, transactions, security and peers can be asked.
WANTED = {*range(1, 22), *range(39, 60), *range(62, 66), *range(75, 83), *range(91, 97), 100}


def case_every_number_has_its_case(_):
    named = {int(number) for table in TABLES for name in vars(table) for number in re.findall(r"^case_input_(\d+)", name)}
    check(WANTED <= named, f"without a case: {sorted(WANTED - named)}")


def main() -> int:
    arguments = harness.arguments_of(__doc__.splitlines()[0])
    harness.SETTINGS.update(SETTINGS)
    try:
        with harness.broker_of(arguments) as running:
            return 1 if harness.run_cases(cases(Broker(running)), running) else 0
    except kafka.Skipped as reason:
        print(f"SKIP bad input: {reason}")
        return 77


def cases(broker: Broker) -> list:
    def and_still_serves(case):
        def run(_):
            case(broker)
            broker.still_serves()

        run.__name__ = case.__name__
        return run

    found = [case_every_number_has_its_case, *(case for table in TABLES for case in harness.cases_of(vars(table)))]
    return [and_still_serves(case) for case in found]


if __name__ == "__main__":
    sys.exit(main())

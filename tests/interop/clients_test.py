#!/usr/bin/env python3
"""Clients of many languages through one broker: each sends, each reads what each has sent.

usage: clients_test.py [--moldau BINARY | --apache | --bootstrap HOST:PORT] [--clients NAME,...] [--codecs NAME,...] [--sets NAME,...]
                       [--page FILE]

Prints a line for each pair and codec, each beginning of a read, each topic made again. --page writes the table, if all clients were
there. A client whose toolchain is missing is skipped and named; with CI=1 that fails.
"""

import argparse
import contextlib
import os
import pathlib
import sys
import tempfile

from harness import broker_of
from client_matrix import page, records
from client_matrix.driver import Driver, DriverError
from client_matrix.install import Missing
from client_matrix.matrix import CODECS, Matrix
from client_matrix.roster import CLIENTS, Client

import kafka

SETTINGS = {"auto.create.topics.enable": "false"}  # a client that asks for a deleted topic must not bring it back


def arguments_of() -> argparse.Namespace:
    def names(text: str) -> tuple[str, ...]:
        return tuple(text.split(","))

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moldau", metavar="BINARY", default=os.environ.get("MOLDAU"))
    parser.add_argument("--apache", action="store_true")
    parser.add_argument("--bootstrap", metavar="HOST:PORT")
    parser.add_argument("--clients", type=names, default=tuple(client.name for client in CLIENTS))
    parser.add_argument("--codecs", type=names, default=CODECS)
    parser.add_argument("--sets", type=names, default=tuple(records.SETS))
    parser.add_argument("--page", type=pathlib.Path)
    arguments = parser.parse_args()
    if not (arguments.moldau or arguments.apache or arguments.bootstrap):
        parser.error("one of --moldau, --apache, --bootstrap, or MOLDAU in the environment")
    return arguments


def commands_of(clients: list[Client]) -> tuple[dict[Client, tuple], int]:
    """How each client is started; the number of those that failed to be had."""
    found, failed = {}, 0
    for client in clients:
        try:
            found[client] = client.install(client.name)
        except kafka.Skipped as reason:
            print(f"SKIP {client.name}: {reason}", flush=True)
        except Missing as reason:
            strict = os.environ.get("CI", "") not in ("", "0")
            failed += strict
            print(f"{'FAIL' if strict else 'SKIP'} {client.name}: {reason}", flush=True)
        except RuntimeError as error:
            failed += 1
            print(f"FAIL {client.name}: {error}".replace("\n", " | "), flush=True)
    return found, failed


def report(outcomes: dict[tuple, tuple[int, str]]) -> int:
    failed = 0
    for (part, *names), (number, fault) in outcomes.items():
        what = {"sent": "sends with {1}", "cell": "sends with {1}, {2} reads", "start": "reads from {1}",
                "again": "{1} of a topic made again"}[part].format(*names)
        failed += bool(fault)
        line = f"FAIL {names[0]} {what}: {fault}" if fault else f"PASS {names[0]} {what}, {number} records"
        print(line.replace("\n", " ")[:2000], flush=True)
    return failed


def main() -> int:
    arguments = arguments_of()
    wanted = [client for client in CLIENTS if client.name in arguments.clients]
    commands, failed = commands_of(wanted)
    if sum(client.consumes and client.chooses_times for client in commands) < 2:
        print("SKIP clients: two that read and choose their timestamps are needed", flush=True)
        return 1 if failed else 77
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moldau-clients-")))
        log = stack.enter_context(open(work / "drivers.log", "wb"))
        broker = stack.enter_context(broker_of(arguments, SETTINGS))
        drivers = {client: stack.enter_context(Driver(*command, broker.bootstrap, log)) for client, command in commands.items()}
        matrix = Matrix(broker.bootstrap, drivers, work, arguments.codecs, arguments.sets)
        matrix.run()
        failed += report(matrix.outcomes)
        if arguments.page and len(drivers) == len(CLIENTS):
            page.write(arguments.page, {client.name: driver.client for client, driver in drivers.items()}, matrix.outcomes)
        if failed:
            print((work / "drivers.log").read_text(errors="replace")[-3000:], file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kafka.Skipped as reason:
        print(f"SKIP clients: {reason}")
        sys.exit(77)
    except (RuntimeError, DriverError) as error:
        print(f"FAIL start: {error}".replace("\n", " | "))
        sys.exit(1)

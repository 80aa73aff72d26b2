"""docs/parity/clients.md: what a whole run of the matrix found."""

import pathlib

from . import records
from .matrix import CODECS
from .roster import CLIENTS, Client

HEAD = """# Clients that were tried

Written by `make interop` (`tests/interop/clients_test.py`); not edited by hand. Each client sends with every codec; every client that
can assign a partition reads all of it back. Offsets, timestamps, keys, values and headers are compared byte for byte.
"""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _number(outcome: tuple[int, str], whole: int | None = None) -> str:
    number, fault = outcome
    if fault:
        return "**differs**"
    return "all" if number == whole else f"{number:,}"


def _cannot(client: Client) -> str:
    sends = f"sends not: {', '.join(client.cannot_send)}" if client.cannot_send else ""
    reads = f"reads not: {', '.join(client.cannot_read)}" if client.cannot_read else ""
    return "; ".join(part for part in (client.remarks, sends, reads) if part)


def text(versions: dict[str, str], outcomes: dict[tuple, tuple[int, str]]) -> str:
    readers = [client for client in CLIENTS if client.consumes]
    parts = [HEAD, "\n## Versions, and what a client cannot do with any broker\n\n",
             _table(["client", "version", "from", "left out"],
                    [[client.name, versions[client.name], client.source, _cannot(client)] for client in CLIENTS]),
             "\n## What is sent\n\n",
             _table(["set", "records", "what"], [[name, f"{len(one):,}", records.DESCRIBED[name]] for name, one in records.SETS.items()]),
             "\n## Sent by one, read by another\n\nThe number of records that were equal; `all` of those sent, or without the sets that the"
             " reader cannot read.\n\n"]
    rows = []
    for client in CLIENTS:
        for codec in CODECS:
            sent = outcomes["sent", client.name, codec]
            rows.append([client.name, codec, _number(sent),
                         *(_number(outcomes["cell", client.name, codec, reader.name], sent[0]) for reader in readers)])
    parts.append(_table(["sent by", "codec", "records", *(reader.name for reader in readers)], rows))
    begins = [key[2] for key in outcomes if key[:2] == ("start", readers[0].name)]
    parts += ["\n## Where reading begins\n\n"
              "In a topic of 100 records 10 ms apart: from an offset; from the time of a record, a time between two, before all, "
              "after all;\n"
              "from the end, to which five more come. The number of records that were read, all equal.\n\n",
              _table(["read by", *begins], [[reader.name, *(_number(outcomes["start", reader.name, begin]) for begin in begins)]
                                            for reader in readers]),
              "\n## A topic deleted and made again under the client\n\n"
              "A producer that has sent ten records sends four to the new topic: they get offsets 0 to 3. A reader that waits behind ten\n"
              "records reads the four of the new topic from its beginning.\n\n",
              _table(["client", "sends", "reads"], [[client.name, _again(outcomes, client, "sends"), _again(outcomes, client, "reads")]
                                                    for client in CLIENTS])]
    return "".join(parts)


def _again(outcomes: dict, client: Client, what: str) -> str:
    outcome = outcomes.get(("again", client.name, what))
    return "–" if outcome is None else "**differs**" if outcome[1] else "yes"


def write(path: pathlib.Path, versions: dict[str, str], outcomes: dict) -> None:
    path.write_text(text(versions, outcomes), encoding="utf-8")

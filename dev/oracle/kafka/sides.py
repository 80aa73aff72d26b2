"""What both brokers of a comparison are started with, and how Moldau is had."""

import contextlib
import pathlib

from .jars import ROOT
from .moldau import Moldau
from .replay import Server

TESTS = ROOT / "tests" / "oracle"


def settings() -> dict:
    """What both brokers are started with beyond their listeners."""
    lines = (TESTS / "server.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@contextlib.contextmanager
def target(text: str, work: pathlib.Path):
    """The server of a binary, started in `work`, or of HOST:PORT[:CONTROLLERPORT]."""
    if ":" in text:
        host, port, *controller = text.split(":")
        yield Server(host, int(port), int(controller[0]) if controller else 0)
        return
    with Moldau(text, work / "moldau", settings()) as broker:
        yield Server("127.0.0.1", broker.port, broker.controller_port)

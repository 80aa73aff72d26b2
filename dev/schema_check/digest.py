"""The digest of all facts in schema/ that come from Kafka: structures, error codes, keys. Own words and own keys are
left out, so that they change freely; anything else that changes has to pass the comparison with the jars again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from compare import fact_lines
from model import Message, canonical
from tables import ConfigKey, ErrorEntry

FILE = "DIGEST"


def digest(messages: list[Message], errors: list[ErrorEntry], configs: list[ConfigKey]) -> str:
    structures = sorted((canonical(message) for message in messages), key=lambda plain: (plain["kind"], plain["name"]))
    plain = {"structures": structures, "facts": sorted(fact_lines(errors, configs))}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def read(schema: Path) -> str:
    path = schema / FILE
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def write(schema: Path, value: str) -> None:
    (schema / FILE).write_text(value + "\n", encoding="utf-8")

"""One generated case with two servers; the first exchange in which they differ, made small."""

import dataclasses
import json
import re
import struct

from . import compare, conversation, schema_codec
from .chance import clean_up, prefix_of
from .conversation import ConversationError
from .replay import Codec, Connection, Replay, Server

SHRINK_RUNS_MAX = 80


def offers(server: Server) -> list[tuple[int, int, int]]:
    """(API, lowest, highest version) as the server advertises them."""
    header = {"requestApiKey": schema_codec.API_VERSIONS, "requestApiVersion": 3, "correlationId": 1, "clientId": "generate"}
    frame = schema_codec.encode("request", schema_codec.API_VERSIONS, 3, header, {"clientSoftwareName": "m", "clientSoftwareVersion": "1"})
    connection = Connection(server.host, server.port)
    try:
        connection.send(struct.pack(">i", len(frame)) + frame)
        answer = schema_codec.decode("response", schema_codec.API_VERSIONS, 3, connection.receive())["body"]
    finally:
        connection.close()
    return [(one["apiKey"], one["minVersion"], one["maxVersion"]) for one in answer["apiKeys"]]


@dataclasses.dataclass(frozen=True)
class Verdict:
    exchanges: int
    fault: str = ""      # path: Kafka's | Moldau's, for each leaf of the first exchange that differs
    signature: str = ""  # equal for faults of one kind
    line: int = -1       # of the case, which asked
    frames: tuple = ()   # both answers, in hex


class Duel:
    """Keeps nothing between cases but the two servers."""

    def __init__(self, expected: Server, actual: Server, codec: Codec, allowed: compare.Allowed, pool):
        self._servers, self._codec, self._allowed, self._pool = (expected, actual), codec, allowed, pool

    def hold(self, lines: list[str]) -> Verdict:
        steps = conversation.parse("generated", "\n".join(lines))
        one, two = self._pool.map(lambda server: self._one_side(server, steps), self._servers)
        asking = [index for index, line in enumerate(lines) if not line.startswith(("case ", "sleep "))]
        for number, (left, right) in enumerate(zip(one, two)):
            at = asking[min(number, len(asking) - 1)]
            if found := self._differences(self._named(left[0], lines[at]), self._named(right[0], lines[at])):
                signature = re.sub(r"\[\d+\]|\d{3,}|g\d{6}\w*", "#", found[0])[:160]
                return Verdict(len(one), "; ".join(found[:6]), signature, at, (left[1], right[1]))
        return Verdict(len(one))

    def _one_side(self, server: Server, steps) -> list[tuple[dict, str]]:
        replay = Replay(server, self._codec)
        try:
            replay.run(steps)
        except (ConversationError, OSError) as error:
            stopped = {"case": steps[0].case, "request": "stopped", "outcome": f"{type(error).__name__}: {error}"}
            return [*zip(replay.exchanges, replay.frames), (stopped, "")]
        return list(zip(replay.exchanges, replay.frames))

    @staticmethod
    def _named(exchange: dict, line: str) -> dict:
        """A raw frame under the name of its request, for the rules of what may differ."""
        match = re.search(r" as=(\w+):(v\d+)", line)
        return exchange | {"request": f"{match[1]} {match[2]} (frame)"} if match else exchange

    def _differences(self, one: dict, two: dict) -> list[str]:
        if one["request"] != two["request"]:
            return [f"{_outcome(one)} | {_outcome(two)}"]
        one, two = self._allowed.apply(one, "seeded"), self._allowed.apply(two, "seeded")
        return compare.differences(one["request"], one, two)


def _outcome(exchange: dict) -> str:
    return f"{exchange['request']} {exchange['outcome']}" if exchange["request"] == "stopped" else exchange["request"]


class Shrinker:
    """Takes away what the difference does not need; every try is held with both servers, in topics of new names."""

    def __init__(self, duel: Duel, lines: list[str], verdict: Verdict):
        self._duel, self._verdict, self._runs = duel, verdict, 0
        self._lines = lines[: verdict.line + 1]
        self._old = next(match[0] for line in lines if (match := re.search(r"g\d{6}", line)))

    def run(self) -> "Shrinker":
        size = max(1, len(self._lines) // 2)
        while size:
            at = 1
            while at < len(self._lines) - 1:
                shorter = self._lines[:at] + self._lines[min(at + size, len(self._lines) - 1) :]
                if not self._try(shorter):
                    at += size
            size //= 2
        self._shrink_body()
        return self

    def _try(self, lines: list[str]) -> bool:
        if self._runs >= SHRINK_RUNS_MAX:
            return False
        self._runs += 1
        new = prefix_of(900_000 + int(self._old[1:]) * 97 % 1000 * 100 + self._runs)
        renamed = [line.replace(self._old, new).replace(self._old.encode().hex(), new.encode().hex()) for line in lines]
        verdict = self._duel.hold(renamed)
        self._duel.hold(["case clean", clean_up(sorted({*re.findall(new + r"\w+", "\n".join(renamed))}))])
        if verdict.signature != self._verdict.signature:
            return False
        self._lines, self._verdict, self._old = renamed, verdict, new
        return True

    def _shrink_body(self) -> None:
        """Leaves out fields and elements of the request that is answered differently."""
        at = 0
        while match := re.fullmatch(r"(\w+ v\d+ )(\{.*\})", self._lines[-1]):
            smaller = _without(json.loads(match[2]), at)
            if smaller is None:
                return
            if not self._try([*self._lines[:-1], match[1] + json.dumps(smaller, separators=(",", ":"))]):
                at += 1

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def report(self) -> str:
        kafka, ours = self._verdict.frames
        return "\n  ".join([self._verdict.fault, *self._lines, f"Kafka's answer {kafka}", f"Moldau's answer {ours}"])


def _without(value, number: int):
    """`value` without its `number`th part, counted from the outside in; None when there are no more."""
    todo = [value]
    while todo:
        place = todo.pop(0)
        keys = list(place) if isinstance(place, dict) else range(len(place)) if isinstance(place, list) else ()
        for key in keys:
            if number == 0:
                del place[key]
                return value
            number -= 1
            if isinstance(place[key], (dict, list)):
                todo.append(place[key])
    return None

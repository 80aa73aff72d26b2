"""Holds one conversation with one server: sends each step, writes down what came back.

An exchange is {"case", "request", "outcome", "answer"}; outcome is reply, close, nothing (none was to come) or silence (one was);
with "timing" early or late where the step set bounds. Answers are normalised: captured ids become $names, error messages become
"text", records become JSON.
"""

import base64
import dataclasses
import socket
import struct
import time

from . import batch_text, conversation, schema_codec
from .conversation import ConversationError, Step

REPLY_TIMEOUT_S = 15
UNTIL_TIMEOUT_S = 60
MESSAGE_FIELDS = {"errorMessage", "batchIndexErrorMessage", "errorString"}
FRAME_MAX = 100 << 20
NO_UUID, NOBODYS_UUID = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAQ"  # the latter is asked for, and no topic's


@dataclasses.dataclass(frozen=True)
class Server:
    host: str
    port: int
    controller_port: int


class Closed(Exception):
    """The peer closed the connection."""


class Connection:
    def __init__(self, host: str, port: int):
        self._socket = socket.create_connection((host, port), timeout=REPLY_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting: list = []  # (step, correlation id, decode as) of requests whose answer was not read yet

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError:
            pass  # closed while we wrote: reading says so

    def receive(self) -> bytes:
        """One frame without its size. Raises Closed, TimeoutError."""
        (size,) = struct.unpack(">i", self._exactly(4))
        if not 0 <= size <= FRAME_MAX:
            raise ConversationError(f"an answer of {size} bytes")
        return self._exactly(size)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                piece = self._socket.recv(count - len(data))
            except ConnectionError:
                piece = b""
            if not piece:
                raise Closed
            data += piece
        return data

    def close(self) -> None:
        self._socket.close()


class Codec:
    """schema/ alone, or Apache's converters with schema/ checked against them."""

    def __init__(self, frames=None):
        self._frames = frames

    def encode(self, api: int, version: int, header: dict, body: dict) -> bytes:
        data = schema_codec.encode("request", api, version, header, body)
        if self._frames is not None:
            filled = schema_codec.fill("request", api, version, body)
            if self._frames.encode("request", api, version, header, filled) != data:
                raise ConversationError(f"{schema_codec.api_name(api)} v{version}: Apache's classes encode {body} otherwise")
        return data

    def decode(self, api: int, version: int, frame: bytes) -> dict:
        ours = schema_codec.decode("response", api, version, frame)
        if self._frames is not None and self._frames.decode("response", api, version, frame) != ours:
            raise ConversationError(f"{schema_codec.api_name(api)} v{version}: Apache's classes read {frame.hex()} otherwise")
        if ours["rest"]:
            raise ConversationError(f"{schema_codec.api_name(api)} v{version}: {ours['rest']} bytes left over")
        return ours


class Replay:
    def __init__(self, server: Server, codec: Codec):
        self._server = server
        self._codec = codec
        self._connections: dict[str, Connection] = {}
        self._ports: dict[str, int] = {}
        self._current = "main"
        self._correlation = 0
        self._answer: dict = {}
        self.variables: dict = {"host": server.host, "port": server.port, "controllerPort": server.controller_port}
        self._int_names: dict[str, dict[int, str]] = {}  # JSON field -> value -> $name
        self._text_names: dict[str, str] = {}
        self.exchanges: list[dict] = []
        self.frames: list[str] = []  # of the same answers, as they came, in hex
        self._frame_hex = ""

    def run(self, steps: list[Step]) -> list[dict]:
        try:
            self._name_cluster(steps[0])
            for step in steps:
                getattr(self, f"_{step.verb}")(step)
        finally:
            for connection in self._connections.values():
                connection.close()
        return self.exchanges

    def _name_cluster(self, step: Step) -> None:
        self._text_names[self._ask(step, "Metadata", 12, {"topics": []})["clusterId"]] = "cluster"
        self._drop()

    # -- steps -----------------------------------------------------------------------------------------------------

    def _connection(self, step: Step) -> None:
        self._current = step.words[0]
        if self._current not in self._ports:
            self._ports[self._current] = self._server.controller_port if "controller" in step.words[1:] else self._server.port

    def _close(self, step: Step) -> None:
        self._drop()

    def _sleep(self, step: Step) -> None:
        time.sleep(int(step.words[0]) / 1000)

    def _let(self, step: Step) -> None:
        name, _, path = step.words
        try:
            value = conversation.follow(self._answer, path)
        except (KeyError, IndexError, TypeError):
            raise ConversationError(f"{step.where}: the last answer has no {path}: {self._answer}") from None
        self.variables[name] = value
        if isinstance(value, str):
            self._text_names[value] = name
        elif value >= 0:  # -1 says that there is none
            self._int_names.setdefault(path.split(".")[-1].split("[")[0], {})[value] = name

    def _topic(self, step: Step) -> None:
        """Creates a topic and waits until its partitions lead; its id becomes $NAME.id."""
        name, *pairs = step.words
        options = dict(pair.split("=", 1) for pair in pairs)
        partitions = int(options.pop("partitions", 1))
        configs = [{"name": key, "value": value} for key, value in options.items()]
        self._exchange(step, "CreateTopics", 7, {"topics": [
            {"name": name, "numPartitions": partitions, "replicationFactor": 1, "configs": configs}], "timeoutMs": 10000})
        deadline = time.monotonic() + UNTIL_TIMEOUT_S
        while True:
            answer = self._ask(step, "Metadata", 12, {"topics": [{"name": name}]})
            topic = answer["topics"][0]
            if topic["errorCode"] == 0 and self._serves(step, name, partitions):
                break
            if time.monotonic() > deadline:
                raise ConversationError(f"{step.where}: topic {name} has no leaders: {topic}")
            time.sleep(0.05)
        self.variables[f"{name}.id"] = topic["topicId"]

    def _serves(self, step: Step, name: str, partitions: int) -> bool:
        """Metadata names a leader a moment before the leader serves."""
        asked = [{"partitionIndex": index, "timestamp": -2} for index in range(partitions)]
        answer = self._ask(step, "ListOffsets", 7, {"topics": [{"name": name, "partitions": asked}]})
        return all(one["errorCode"] == 0 for one in answer["topics"][0]["partitions"])

    def _request(self, step: Step) -> None:
        body = self._build_records(conversation.body(step, self.variables))
        if step.ranged:
            body = schema_codec.known_fields("request", schema_codec.api_key(step.api), step.version, body)
        if "until" in step.options:
            self._repeat(step, body)
        else:
            self._exchange(step, step.api, step.version, body)

    def _repeat(self, step: Step, body: dict) -> None:
        path, _, wanted = conversation.substitute(step, step.options["until"], self.variables).rpartition(":")
        deadline = time.monotonic() + UNTIL_TIMEOUT_S
        while True:
            answer = self._ask(step, step.api, step.version, body)
            try:
                if str(conversation.follow(answer, path)) == wanted:
                    break
            except (KeyError, IndexError):
                pass
            if time.monotonic() > deadline:
                raise ConversationError(f"{step.where}: {path} never became {wanted}: {answer}")
            time.sleep(0.05)
        self._answer = answer
        self._write_down(step, f"{step.api} v{step.version}", "reply", answer, None)

    def _frame(self, step: Step) -> None:
        data = bytes.fromhex(conversation.substitute(step, step.words[0], self.variables))
        self._raw(step, struct.pack(">i", len(data)) + data)

    def _bytes(self, step: Step) -> None:
        self._raw(step, bytes.fromhex(step.words[0]))

    def _receive(self, step: Step) -> None:
        self._read(step, self._open())

    # -- exchanges -------------------------------------------------------------------------------------------------

    def _exchange(self, step: Step, api_name: str, version: int, body: dict) -> None:
        connection = self._open()
        frame = self._frame_of(step, api_name, version, body)
        sent_at = time.monotonic()  # before the send: a pause of ours after it must not make the answer early
        connection.send(frame)
        decode_as = (schema_codec.api_key(api_name), version)
        if step.options.get("expect") == "nothing":
            self._write_down(step, f"{api_name} v{version}", "nothing", None, None)
            return
        connection.waiting.append((step, f"{api_name} v{version}", self._correlation, decode_as, sent_at))
        if "pipelined" in step.options:
            return
        while connection.waiting and self._read(step, connection):
            pass

    def _ask(self, step: Step, api_name: str, version: int, body: dict) -> dict:
        """An exchange that is not written down."""
        connection = self._open()
        connection.send(self._frame_of(step, api_name, version, body))
        try:
            frame = connection.receive()
        except (Closed, TimeoutError) as why:
            raise ConversationError(f"{step.where}: {api_name} v{version} while waiting: {type(why).__name__}") from None
        return self._codec.decode(schema_codec.api_key(api_name), version, frame)["body"]

    def _frame_of(self, step: Step, api_name: str, version: int, body: dict) -> bytes:
        self._correlation += 1
        api = schema_codec.api_key(api_name)
        header = {"requestApiKey": api, "requestApiVersion": version, "correlationId": self._correlation,
                  "clientId": step.options.get("client", "replay")}
        try:
            data = self._codec.encode(api, version, header, body)
        except schema_codec.CodecError as error:
            raise ConversationError(f"{step.where}: {error}") from None
        return struct.pack(">i", len(data)) + data

    def _raw(self, step: Step, data: bytes) -> None:
        connection = self._open()
        connection.send(data)
        request = f"{step.verb} {step.words[0][:16]}"
        if step.options.get("expect") == "nothing":
            self._write_down(step, request, "nothing", None, None)
            return
        decode_as = None
        if "as" in step.options:
            name, _, version = step.options["as"].partition(":v")
            decode_as = (schema_codec.api_key(name), int(version))
        correlation = int(step.options["correlation"]) if "correlation" in step.options else None
        connection.waiting.append((step, request, correlation, decode_as, time.monotonic()))
        self._read(step, connection)

    def _read(self, step: Step, connection: Connection) -> bool:
        """Reads the answer that is due next; False when the connection is gone."""
        if not connection.waiting:
            raise ConversationError(f"{step.where}: no answer is due")
        asked, request, correlation, decode_as, sent_at = connection.waiting.pop(0)
        try:
            frame = connection.receive()
        except Closed:
            self._write_down(asked, request, "close", None, sent_at)
            self._drop()
            return False
        except TimeoutError:
            self._write_down(asked, request, "silence", None, sent_at)
            self._drop()
            return False
        self._frame_hex = frame.hex()
        (got,) = struct.unpack(">i", frame[:4])
        if correlation is not None and got != correlation:
            raise ConversationError(f"{step.where}: answer {got} where {correlation} was due")
        self._answer = {"raw": frame.hex()}
        if decode_as is not None:
            self._answer = self._codec.decode(*decode_as, frame)["body"]
        bounds = step if step.verb == "receive" else asked
        self._write_down(dataclasses.replace(asked, options=bounds.options), request, "reply", self._answer, sent_at)
        return True

    def _write_down(self, step: Step, request: str, outcome: str, answer, sent_at) -> None:
        expected = step.options.get("expect")
        if expected and expected != outcome:
            outcome = f"{outcome} where {expected} was expected"
        exchange = {"case": step.case, "request": request, "outcome": outcome}
        if sent_at is not None:
            elapsed = (time.monotonic() - sent_at) * 1000
            if elapsed < int(step.options.get("after", 0)):
                exchange["timing"] = "early"
            if elapsed > int(step.options.get("within", 60_000)):
                exchange["timing"] = "late"
        if answer is not None:
            exchange["answer"] = self._normalise("", answer)
        self.exchanges.append(exchange)
        self.frames.append(self._frame_hex if answer is not None else "")

    def _open(self) -> Connection:
        if self._current not in self._connections:
            port = self._ports.get(self._current, self._server.port)
            self._connections[self._current] = Connection(self._server.host, port)
        return self._connections[self._current]

    def _drop(self) -> None:
        connection = self._connections.pop(self._current, None)
        if connection is not None:
            connection.close()

    # -- values ----------------------------------------------------------------------------------------------------

    def _build_records(self, value, name: str = ""):
        if isinstance(value, dict):
            return {key: self._build_records(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._build_records(inner, name) for inner in value]
        if name == "records" and isinstance(value, str):
            return base64.b64encode(batch_text.build(value)).decode()
        return value

    def _name_topic_id(self, topic: dict) -> None:
        """Ids of topics are named after the topic; the second id of a name is NAME.id2."""
        topic_id, name = topic["topicId"], topic["name"]
        if topic_id in self._text_names or topic_id in (NO_UUID, NOBODYS_UUID) or not isinstance(name, str):
            return
        taken = set(self._text_names.values())
        names = [f"{name}.id", *(f"{name}.id{count}" for count in range(2, 100))]
        self._text_names[topic_id] = next(one for one in names if one not in taken)

    def _normalise(self, name: str, value):
        if isinstance(value, dict):
            if "topicId" in value and "name" in value:
                self._name_topic_id(value)
            return {key: self._normalise(key, inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._normalise(name, inner) for inner in value]
        if name in MESSAGE_FIELDS:
            return None if value is None else "text"
        if name == "records" and isinstance(value, str):
            return [self._normalise_batch(batch) for batch in batch_text.describe_base64(value)]
        if isinstance(value, str) and value in self._text_names:
            return f"${self._text_names[value]}"
        if isinstance(value, int) and not isinstance(value, bool):
            if name == "port" and value in (self._server.port, self._server.controller_port):
                return "$port" if value == self._server.port else "$controllerPort"
            return self._named_int(name, value)
        return value

    def _named_int(self, name: str, value: int):
        names = self._int_names.get(name, {})
        return f"${names[value]}" if value in names else value

    def _normalise_batch(self, batch: dict) -> dict:
        """A producer id from the broker makes the CRC its own."""
        if "producerId" in batch:
            batch["producerId"] = self._named_int("producerId", batch["producerId"])
            if isinstance(batch["producerId"], str):
                batch["crc"] = "(of its producer id)"
        return batch

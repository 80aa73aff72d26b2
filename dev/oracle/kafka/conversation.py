"""Reads the conversation files of tests/oracle; their language is described in tests/oracle/README.md."""

import dataclasses
import json
import pathlib
import re

OPTIONS = ("client", "expect", "until", "after", "within", "as", "correlation")
FLAGS = ("pipelined",)


class ConversationError(Exception):
    """A line that is not in the language; the text names file and line."""


@dataclasses.dataclass(frozen=True)
class Step:
    where: str
    case: str
    verb: str  # request, frame, bytes, receive, connection, close, let, sleep, topic
    words: tuple[str, ...] = ()
    api: str = ""
    version: int = 0
    options: dict = dataclasses.field(default_factory=dict)
    body: str = ""  # JSON text with variables still in it
    ranged: bool = False  # one of several versions: what this one does not know of the body is left out


def _depth(text: str) -> int:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    return sum(bare.count(c) for c in "{[") - sum(bare.count(c) for c in "}]")


def _logical_lines(name: str, text: str):
    pending, begin = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not pending and (not line or line.startswith("#")):
            continue
        if not pending:
            begin = number
        pending = f"{pending} {line}".strip()
        if _depth(pending) == 0:
            yield f"{name}:{begin}", pending
            pending = ""
    if pending:
        raise ConversationError(f"{name}:{begin}: brackets are not closed")


def _options(where: str, words: list[str]) -> dict:
    options = {}
    for word in words:
        name, equals, value = word.partition("=")
        if (equals and name in OPTIONS) or (not equals and name in FLAGS):
            options[name] = value
        else:
            raise ConversationError(f"{where}: unexpected `{word}`")
    return options


def read(path: pathlib.Path) -> list[Step]:
    return parse(path.name, path.read_text(encoding="utf-8"))


def parse(name: str, text: str) -> list[Step]:
    """The steps of a conversation; errors call it `name`."""
    steps: list[Step] = []
    case = ""
    for where, line in _logical_lines(name, text):
        words = line.split(" ")
        verb = words[0]
        if verb == "case":
            case = line.removeprefix("case").strip()
            continue
        if not case:
            raise ConversationError(f"{where}: a case comes first")
        if verb in ("connection", "close", "let", "sleep", "topic"):
            steps.append(Step(where, case, verb, tuple(words[1:])))
        elif verb in ("frame", "bytes"):
            steps.append(Step(where, case, verb, (words[1],), options=_options(where, words[2:])))
        elif verb == "receive":
            steps.append(Step(where, case, verb, options=_options(where, words[1:])))
        elif match := re.fullmatch(r"([A-Z]\w*) v(\d+)(?:-(\d+))?((?: [^{\s]\S*)*)(?: (\{.*\}))?", line):
            options, body_text = _options(where, match[4].split()), match[5] or "{}"
            for version in range(int(match[2]), int(match[3] or match[2]) + 1):
                text_of_version = body_text.replace("$version", str(version)) if match[3] else body_text
                steps.append(Step(where, case, "request", (), match[1], version, options, text_of_version, bool(match[3])))
        else:
            raise ConversationError(f"{where}: cannot read `{line[:60]}`")
    return steps


def substitute(step: Step, text: str, variables: dict) -> str:
    def value(match: re.Match) -> str:
        if match[1] not in variables:
            raise ConversationError(f"{step.where}: nothing is called ${match[1]}")
        return str(variables[match[1]])

    return re.sub(r"\$([\w-]+(?:\.\w+)*)", value, text)


def body(step: Step, variables: dict) -> dict:
    """The JSON of a step, variables filled in; names may stand without quotes."""

    def token(match: re.Match) -> str:
        text = match[0]
        if text.startswith('"'):
            inner = json.loads(text)
            if inner.startswith("$") and inner[1:] in variables:
                return json.dumps(variables[inner[1:]])
            return json.dumps(substitute(step, inner, variables))
        if text.startswith("$"):
            if text[1:] not in variables:
                raise ConversationError(f"{step.where}: nothing is called {text}")
            return json.dumps(variables[text[1:]])
        return json.dumps(text) if match[1] else text

    text = re.sub(r'"(?:[^"\\]|\\.)*"|\$[\w-]+(?:\.\w+)*|([A-Za-z_]\w*)(?=\s*:)', token, step.body)
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConversationError(f"{step.where}: {error}: {text[:200]}") from None


def follow(answer, path: str):
    """answer.topics[0].errorCode; raises KeyError or IndexError."""
    value = answer
    for name, index in re.findall(r"(\w+)|\[(\d+)\]", path):
        value = value[name] if name else value[int(index)]
    return value

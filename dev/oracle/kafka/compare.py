"""Compares two lists of exchanges field by field; what may differ is data (tests/oracle/allowed.json)."""

import fnmatch
import json
import pathlib


ABSENT = (None, "", [], {}, 0, -1, "AAAAAAAAAAAAAAAAAAAAAA")


class Allowed:
    """Rules {"path", "rule", "reason"[, "case"]}: path and case are shell patterns; a path is Api.field.field without indexes.

    ignore:    not compared;
    present:   compared only as there or not (null, empty, 0, -1 and the zero uuid are not there);
    unordered: the elements of this array are compared in a sorted order;
    subset:    an array whose elements must all be among the expected ones;
    unanswered: of an Api, whatever the answer is where the expected side gave none.
    """

    def __init__(self, path: pathlib.Path):
        self._rules = json.loads(path.read_text())["differences"] if path.exists() else []
        for rule in self._rules:
            if rule["rule"] not in ("ignore", "present", "unordered", "subset", "unanswered") or not rule["reason"]:
                raise ValueError(f"{path}: not a rule: {rule}")
            rule["used"] = False

    def rule(self, path: str, case: str) -> str:
        for rule in self._rules:
            if fnmatch.fnmatchcase(path, rule["path"]) and fnmatch.fnmatchcase(case, rule.get("case", "*")):
                rule["used"] = True
                return rule["rule"]
        return ""

    def apply(self, exchange: dict, file: str) -> dict:
        """The exchange with what is not to be compared taken out."""
        if "answer" not in exchange:
            return exchange
        api = exchange["request"].split(" ")[0]
        return exchange | {"answer": self._apply(api, exchange["answer"], f"{file}/{exchange['case']}")}

    def _apply(self, path: str, value, case: str):
        rule = self.rule(path, case)
        if rule == "ignore":
            return "(not compared)"
        if rule == "present":
            return "(not there)" if value in ABSENT else "(there)"
        if isinstance(value, dict):
            out = {key: self._apply(f"{path}.{key}", inner, case) for key, inner in value.items()}
            # A tagged field is absent where it has its default: an ignored one may be on one side only.
            return {key: inner for key, inner in out.items() if inner != "(not compared)"}
        if isinstance(value, list):
            out = [self._apply(path if isinstance(inner, dict) else f"{path}.", inner, case) for inner in value]
            if rule == "subset":
                return {"(subset)": out}
            return sorted(out, key=lambda item: json.dumps(item, sort_keys=True)) if rule == "unordered" else out
        return value


def differences(path: str, one, two) -> list[str]:
    """`path: one | two` for each leaf that differs."""
    if isinstance(one, dict) and isinstance(two, dict):
        if "(subset)" in one and "(subset)" in two:
            return [f"{path}: unexpected {_short(item)}" for item in two["(subset)"] if item not in one["(subset)"]]
        out = []
        for key in sorted({*one, *two}):
            if key not in one or key not in two:
                side = one.get(key, "(absent)"), two.get(key, "(absent)")
                out.append(f"{path}.{key}: {_short(side[0])} | {_short(side[1])}")
            else:
                out += differences(f"{path}.{key}", one[key], two[key])
        return out
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return [line for index, pair in enumerate(zip(one, two)) for line in differences(f"{path}[{index}]", *pair)]
    return [] if one == two else [f"{path}: {_short(one)} | {_short(two)}"]


def _short(value) -> str:
    text = json.dumps(value)
    return text if len(text) <= 300 else text[:300] + "..."


def _name(exchange: dict) -> str:
    stopped = f" ({exchange['outcome']})" if exchange["request"] == "stopped" else ""
    return exchange["request"] + stopped


def exchanges(expected: list[dict], actual: list[dict], allowed: Allowed, file: str) -> dict[str, list[str]]:
    """Case -> differences (empty: equal), in the order of the cases."""
    cases: dict[str, list[str]] = {}
    for index in range(max(len(expected), len(actual))):
        one = expected[index] if index < len(expected) else None
        two = actual[index] if index < len(actual) else None
        case = (one or two)["case"]
        found = cases.setdefault(case, [])
        if one is None or two is None or one["case"] != two["case"] or one["request"] != two["request"]:
            found.append(f"exchange {index + 1}: {one and _name(one)} | {two and _name(two)}")
            break
        api = one["request"].split(" ")[0]
        if one["outcome"] == "silence" and two["outcome"] == "reply" and allowed.rule(api, f"{file}/{case}") == "unanswered":
            continue
        one, two = allowed.apply(one, file), allowed.apply(two, file)
        found += differences(one["request"], {key: one[key] for key in one if key not in ("case", "request")},
                             {key: two[key] for key in two if key not in ("case", "request")})
    return cases

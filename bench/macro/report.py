"""Samples of all rounds as medians, ratios with their spread, verdicts, and a page to read."""

import os
import pathlib
import platform
import statistics

from .cases import Case, Goal

PEERS = ("kafka", "moldau", "floor")


def environment() -> dict:
    cpu = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), "unknown")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "congestion_control": pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def warnings(facts: dict) -> list[str]:
    found = []
    if facts["congestion_control"] != "cubic":
        found.append(f"TCP congestion control is {facts['congestion_control']}, not cubic: loopback figures differ "
                     "(sysctl -w net.ipv4.tcp_congestion_control=cubic)")
    if facts["load_before"] > 0.5:
        found.append(f"the machine was not idle (load {facts['load_before']}): times prove nothing, CPU little")
    return found


def _by_peer(case: Case, rounds: list[dict[str, dict[str, float]]]) -> dict[str, list[float]]:
    return {peer: [one[peer][case.name] for one in rounds if case.name in one.get(peer, {})] for peer in PEERS}


def _ratios(case: Case, rounds: list, peer: str) -> list[float]:
    """Moldau over the peer, each in the same round."""
    return [one["moldau"][case.name] / one[peer][case.name] for one in rounds
            if case.name in one.get("moldau", {}) and one.get(peer, {}).get(case.name, 0) > 0]


def _judge(case: Case, goal: Goal, rounds: list) -> dict:
    found = _by_peer(case, rounds)["moldau"] if goal.peer is None else _ratios(case, rounds, goal.peer)
    measured = statistics.median(found) if found else None
    met = None if measured is None else measured >= goal.limit if goal.at_least else measured <= goal.limit
    return {"goal": goal.text(), "limit": goal.limit, "peer": goal.peer, "at_least": goal.at_least, "measured": measured, "met": met}


def summarize(measured: list[Case], rounds: list[dict[str, dict[str, float]]]) -> list[dict]:
    rows = []
    for case in measured:
        samples = _by_peer(case, rounds)
        if not any(samples.values()):
            continue
        ratios = {peer: _ratios(case, rounds, peer) for peer in ("kafka", "floor")}
        rows.append({
            "case": case.name, "number": case.number, "unit": case.unit, "what": case.what, "acks": case.acks, "batch": case.batch,
            "partitions": case.partitions, "sync": case.sync,
            **{peer: statistics.median(values) if values else None for peer, values in samples.items()},
            "ratio": statistics.median(ratios["kafka"]) if ratios["kafka"] else None,
            "ratio_spread": [min(ratios["kafka"]), max(ratios["kafka"])] if ratios["kafka"] else None,
            "floor_ratio": statistics.median(ratios["floor"]) if ratios["floor"] else None,
            "goals": [_judge(case, goal, rounds) for goal in case.goals], "samples": samples})
    return rows


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _spread(samples: list[float]) -> str:
    return f" ({_number(min(samples))}-{_number(max(samples))})" if len(samples) > 1 else ""


def _verdict(goal: dict) -> str:
    if goal["met"] is None:
        return f"{goal['goal']}: not measured"
    return f"{goal['goal']}: {_number(goal['measured'])}, {'met' if goal['met'] else '**missed**'}"


def markdown(rows: list[dict], facts: dict, settings: dict) -> str:
    lines = ["# Apache Kafka 4.3.1, Moldau and the floor in turn", ""]
    lines += [f"- {name}: {value}" for name, value in {**facts, **settings}.items()]
    lines += [f"- **{warning}**" for warning in warnings(facts)]
    lines += ["", "Medians, in brackets the least and the greatest; a ratio is the median of the ratios within a round.", "",
              "| # | case | unit | Apache Kafka | Moldau | floor | ratio to Kafka | goals |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        figures = [_number(row[peer]) + _spread(row["samples"][peer]) for peer in PEERS]
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.3f} ({row['ratio_spread'][0]:.3f}-{row['ratio_spread'][1]:.3f})"
        lines.append(f"| {row['number']} | {row['case']} | {row['unit']} | {' | '.join(figures)} | {ratio} | "
                     f"{'; '.join(map(_verdict, row['goals']))} |")
    lines += ["", "| case | what | acks | batch | partitions | sync |", "|---|---|---|---|---|---|"]
    lines += [f"| {row['case']} | {row['what']} | {row['acks']} | {row['batch']} | {row['partitions']} | {row['sync']} |" for row in rows]
    return "\n".join(lines) + "\n"

"""Samples of all rounds as medians, ratios and a page to read."""

import os
import pathlib
import platform
import statistics

from .cases import CASES


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
        found.append(f"the machine was not idle (load {facts['load_before']}): these figures prove nothing")
    return found


def summarize(samples: dict[str, list[dict[str, float]]]) -> list[dict]:
    rows = []
    for case in CASES:
        kafka, moldau = ([run[case.name] for run in samples[name]] for name in ("kafka", "moldau"))
        reference, own = statistics.median(kafka), statistics.median(moldau)
        rows.append({"case": case.name, "what": case.what, "unit": case.unit, "kafka": reference, "moldau": own,
                     "ratio": own / reference if reference > 0 else None, "goal": case.goal,
                     "samples": {"kafka": kafka, "moldau": moldau}})
    return rows


def markdown(rows: list[dict], facts: dict, settings: dict) -> str:
    lines = ["# Apache Kafka 4.3.1 and Moldau in turn", ""]
    lines += [f"- {name}: {value}" for name, value in {**facts, **settings}.items()]
    lines += [f"- **{warning}**" for warning in warnings(facts)]
    lines += ["", "| case | unit | Apache Kafka | Moldau | ratio | goal | |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.3f}"
        lines.append(f"| {row['case']} | {row['unit']} | {row['kafka']:.3f} | {row['moldau']:.3f} | {ratio} | {row['goal']:.2f} "
                     f"| {row['what']} |")
    return "\n".join(lines) + "\n"

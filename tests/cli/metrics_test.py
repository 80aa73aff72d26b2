#!/usr/bin/env python3
"""What docs/parity/metrics.md and the dashboard name is served at /metrics, and what is served is named; values are true.

usage: tests/cli/metrics_test.py --moldau BINARY
"""

import json
import pathlib
import re
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "hostile"), str(HERE.parent / "interop")]

import harness  # noqa: E402
from harness import check, equal  # noqa: E402
from kafka.broker import free_port  # noqa: E402
from under_test import NONE, Broker, fetch_body  # noqa: E402
from wire import batch  # noqa: E402

PAGE = ROOT / "docs/parity/metrics.md"
DASHBOARD = ROOT / "docs/grafana/moldau.json"
HTTP = free_port()
NAME = re.compile(r"\b(?:kafka|moldau|process)_[a-z0-9_]+\b")
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
OF_SUMMARY = ("_sum", "_count")


class Served:
    """One scrape."""

    def __init__(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/metrics", timeout=10) as answer:
            self.text = answer.read().decode()
        self.types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", self.text, re.M))
        self.samples: dict[tuple[str, frozenset], float] = {}
        for line in self.text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                pairs = frozenset(re.findall(r'(\w+)="([^"]*)"', labels or ""))
                check((name, pairs) not in self.samples, f"twice: {line}")
                self.samples[name, pairs] = float(value)

    def value(self, name: str, **labels) -> float | None:
        return self.samples.get((name, frozenset(labels.items())))

    def family(self, name: str) -> str | None:
        """Of a name that a query uses."""
        if name in self.types:
            return name
        stem = next((name.removesuffix(end) for end in OF_SUMMARY if name.endswith(end)), None)
        return stem if self.types.get(stem) == "summary" else None


def settled(what) -> Served:
    """A scrape of which `what` holds: some things are told a little later."""
    deadline = time.monotonic() + 10
    while True:
        served = Served()
        if what(served) or time.monotonic() > deadline:
            return served
        time.sleep(0.05)


def case_the_page_names_what_is_served_and_nothing_else(_):
    named = set(re.findall(r"^\| `((?:kafka|moldau|process)_\w+)` \|", PAGE.read_text(), re.M))
    served = set(Served().types)
    equal(sorted(named - served), [], "on the page, not served")
    equal(sorted(served - named), [], "served, not on the page")


def case_families_have_prometheus_form(_):
    served = Served()
    for name, kind in served.types.items():
        check(kind in ("counter", "gauge", "summary"), f"{name} is a {kind}")
        check((kind == "counter") == name.endswith(("_total", "logflushrateandtimems_count")), f"{name} is a {kind}")
    for name, _ in served.samples:
        check(served.family(name) is not None, f"{name} has no type")


def case_the_dashboard_asks_for_what_is_served(_):
    served, dashboard = Served(), json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    equal(len({panel["id"] for panel in panels}), len(panels), "different ids of panels")
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    asked = [one["definition"] for one in variables.values() if one["type"] == "query"]
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        check(at["x"] + at["w"] <= 24, f"{panel['title']} is too wide")
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        check(not own & cells, f"{panel['title']} lies over another panel")
        cells |= own
        targets = panel.get("targets", [])
        check(panel["type"] == "row" or targets, f"{panel['title']} asks for nothing")
        for target in targets:
            equal(target["datasource"]["uid"], "${datasource}", f"the data source of {panel['title']}")
            asked.append(target["expr"])
    check(len(asked) > 40, f"{len(asked)} queries")
    for query in asked:
        names = NAME.findall(re.sub(r'"[^"]*"', "", query))
        check(names, f"no metric in {query}")
        for name in names:
            check(served.family(name) is not None, f"{name} is not served: {query}")
        for label in re.findall(r"[{,](\w+)[!=]~?", query) + re.findall(r"by \((\w+)\)", query):
            check(label in ("job", "instance") or any(label in dict(pairs) for _, pairs in served.samples), f"no label {label}: {query}")
        for variable in re.findall(r"\$(\w+)", query):
            check(variable in variables or variable == "__rate_interval", f"no variable {variable}: {query}")
        for open_, close in ("()", "{}", "[]"):
            equal(query.count(open_), query.count(close), f"brackets of {query}")


def case_traffic_is_counted_by_topic_and_in_all(broker):
    topic, prefix = broker.topic(), "kafka_server_brokertopicmetrics_"
    before = Served()
    sent = batch("@ (a,1) (b,2) (c,3)")
    equal(broker.produce(topic, sent)["errorCode"], NONE, "a produce")
    broker.produce(topic, batch("@ (a,1) crc=bad"))
    broker.produce(topic, batch("@ (a,1) count=7"))
    broker.ask("Fetch", 12, fetch_body(topic))
    after = Served()

    def grown(name: str, **labels) -> float:
        return after.value(prefix + name, **labels) - (before.value(prefix + name, **labels) or 0)

    for labels in ({}, {"topic": topic}):
        equal([grown(f"{name}_total", **labels) for name in ("messagesin", "bytesin", "bytesout", "totalproducerequests",
                                                             "failedproducerequests", "totalfetchrequests", "failedfetchrequests")],
              [3, len(sent), len(sent), 3, 1, 1, 0], f"{labels}")


def case_a_deleted_topic_stays_in_the_total(broker):
    name, topic = "kafka_server_brokertopicmetrics_messagesin_total", broker.topic()
    broker.produce(topic, batch("@ (a,1)"))
    before = Served()
    equal(before.value(name, topic=topic), 1, "of the topic")
    broker.ask("DeleteTopics", 6, {"topics": [{"name": topic, "topicId": "AAAAAAAAAAAAAAAAAAAAAA"}], "timeoutMs": 5000})
    after = settled(lambda served: served.value(name, topic=topic) is None)
    equal((after.value(name, topic=topic), after.value(name)), (None, before.value(name)), "of the topic, and of all")


def case_requests_are_counted_by_version_and_timed(broker):
    before = Served()
    for version in (4, 7):
        broker.ask("Metadata", version, {"topics": []})
    after = Served()
    for version in ("4", "7"):
        labels = {"request": "Metadata", "version": version}
        name = "kafka_network_requestmetrics_requests_total"
        equal(after.value(name, **labels) - (before.value(name, **labels) or 0), 1, f"Metadata v{version}")
    times = "kafka_network_requestmetrics_totaltimems"
    grown = after.value(times + "_count", request="Metadata") - (before.value(times + "_count", request="Metadata") or 0)
    equal(grown, 2, "requests that were timed")
    check(0 < after.value(times, request="Metadata", quantile="0.50") <= after.value(times, request="Metadata", quantile="0.999") < 10_000,
          "the quantiles")


def case_partitions_have_their_sizes_and_offsets(broker):
    topic = broker.topic(partitions=2)
    broker.produce(topic, batch("@ (a,1) (b,2)"))
    served = settled(lambda now: now.value("kafka_log_log_logendoffset", topic=topic, partition="1") is not None)
    for partition, end in (("0", 2), ("1", 0)):
        labels = {"topic": topic, "partition": partition}
        equal(served.value("kafka_log_log_logendoffset", **labels), end, f"the end of {labels}")
        equal(served.value("kafka_log_log_numlogsegments", **labels), 1, f"segments of {labels}")
    check(served.value("kafka_log_log_size", topic=topic, partition="0") > 0, "the size")
    equal(served.value("moldau_partition_series_left_out"), 0, "partitions left out")


def case_the_state_of_the_node(broker):
    broker.topic(partitions=3)
    served = settled(lambda now: now.value("kafka_server_replicamanager_partitioncount")
                     == now.value("kafka_controller_kafkacontroller_globalpartitioncount"))
    for name, wanted in (("moldau_ready", 1), ("kafka_server_kafkaserver_brokerstate", 3),
                         ("kafka_controller_kafkacontroller_activecontrollercount", 1),
                         ("kafka_controller_kafkacontroller_activebrokercount", 1),
                         ("kafka_controller_kafkacontroller_fencedbrokercount", 0),
                         ("kafka_controller_kafkacontroller_offlinepartitionscount", 0),
                         ("kafka_server_replicamanager_underreplicatedpartitions", 0),
                         ("kafka_server_replicamanager_underminisrpartitioncount", 0),
                         ("kafka_server_replicamanager_offlinereplicacount", 0),
                         ("kafka_log_logmanager_offlinelogdirectorycount", 0), ("kafka_server_raft_metrics_current_leader", 1)):
        equal(served.value(name), wanted, name)
    partitions = served.value("kafka_controller_kafkacontroller_globalpartitioncount")
    equal(served.value("kafka_server_replicamanager_leadercount"), partitions, "partitions led")
    equal(served.value("kafka_server_replicamanager_atminisrpartitioncount"), partitions, "at the minimum of one")
    idle = served.value("kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent")
    check(0 <= idle <= 1, f"idle: {idle}")
    check(served.value("process_resident_memory_bytes") > 1 << 20, "resident memory")
    check(served.value("process_open_fds") > 5, "open files")
    check(abs(served.value("process_start_time_seconds") - time.time()) < 3600, "the start")
    with broker.connect():
        one = settled(lambda now: now.value("kafka_server_socket_server_metrics_connection_count", listener="PLAINTEXT") == 1)
        equal(one.value("kafka_server_socket_server_metrics_connection_count", listener="PLAINTEXT"), 1, "connections")


def main() -> int:
    harness.SETTINGS.update({"moldau.http.listen": f"127.0.0.1:{HTTP}", "moldau.shards": "2", "num.partitions": "1"})
    arguments = harness.arguments_of(__doc__.splitlines()[0])
    with harness.broker_of(arguments) as running:
        broker = Broker(running)
        topic = broker.topic()  # so that each family has a sample
        broker.produce(topic, batch("@ (a,1)"))
        broker.ask("Fetch", 12, fetch_body(topic))
        return 1 if harness.run_cases(harness.cases_of(globals()), broker) else 0


if __name__ == "__main__":
    sys.exit(main())

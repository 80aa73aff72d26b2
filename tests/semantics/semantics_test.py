#!/usr/bin/env python3
"""Lines of Kafka's semantics that need a live node: several listeners, restarts, kill -9, many connections, its log and its files.

usage: semantics_test.py [--moldau BINARY]      MOLDAU in the environment is the default

A case's name begins with the number of its line in docs/parity/semantics.md. What one connection can see is held by the
conversations in tests/oracle, what needs replicas by the unit tests named there.
"""

import argparse
import base64
import hashlib
import os
import pathlib
import re
import shutil
import struct
import sys
import tempfile
import threading
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "dev" / "oracle"))

from kafka import batch_text, schema_codec  # noqa: E402
from kafka.broker import free_port  # noqa: E402
from kafka.moldau import Moldau  # noqa: E402
from kafka.replay import Closed, Connection  # noqa: E402

PRODUCE, FETCH, METADATA = "Produce", "Fetch", "Metadata"
UNKNOWN_TOPIC_OR_PARTITION = 3
SESSION_NOT_FOUND = 70
LISTENER_NOT_FOUND = 72
TOPIC_DELETION_DISABLED = 73
THROTTLING_QUOTA_EXCEEDED = 89
UNKNOWN_TOPIC_ID = 100
binary = ""


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(got, wanted, what):
    check(got == wanted, f"{what}: got {got!r:.400}, wanted {wanted!r:.400}")


class Client:
    """One connection, requests as JSON."""

    def __init__(self, port):
        self.connection = Connection("127.0.0.1", port)
        self.correlation = 0
        self.waiting = []

    def send(self, api, version, body):
        self.correlation += 1
        key = schema_codec.api_key(api)
        header = {"requestApiKey": key, "requestApiVersion": version, "correlationId": self.correlation, "clientId": "semantics"}
        frame = schema_codec.encode("request", key, version, header, body)
        self.waiting.append((key, version, self.correlation))
        self.connection.send(struct.pack(">i", len(frame)) + frame)

    def receive(self):
        key, version, correlation = self.waiting.pop(0)
        answer = schema_codec.decode("response", key, version, self.connection.receive())
        equal(answer["header"]["correlationId"], correlation, "the order of the answers")
        return answer["body"]

    def ask(self, api, version, body):
        self.send(api, version, body)
        return self.receive()

    def create(self, name, partitions=1, **configs):
        answer = self.ask("CreateTopics", 7, {"topics": [{"name": name, "numPartitions": partitions, "replicationFactor": 1, "configs": [
            {"name": key.replace("_", "."), "value": value} for key, value in configs.items()]}], "timeoutMs": 10_000})
        equal(answer["topics"][0]["errorCode"], 0, f"creating {name}")
        self.until(lambda: self.offset(name, -1, partitions - 1) is not None, f"{name} serves")

    def until(self, condition, what, seconds=15):
        deadline = time.monotonic() + seconds
        while not condition():
            check(time.monotonic() < deadline, f"after {seconds} s still not: {what}")
            time.sleep(0.05)

    def produce(self, topic, text, acks=-1, partition=0):
        answer = self.ask(PRODUCE, 9, {"acks": acks, "timeoutMs": 10_000, "topicData": [{"name": topic, "partitionData": [
            {"index": partition, "records": base64.b64encode(batch_text.build(text)).decode()}]}]})
        return answer["responses"][0]["partitionResponses"][0]

    def must_produce(self, topic, text, **how):
        answer = self.produce(topic, text, **how)
        equal(answer["errorCode"], 0, f"producing to {topic}")
        return answer["baseOffset"]

    def list_offset(self, topic, timestamp, partition=0):
        answer = self.ask("ListOffsets", 7, {"replicaId": -1, "topics": [{"name": topic, "partitions": [
            {"partitionIndex": partition, "currentLeaderEpoch": -1, "timestamp": timestamp}]}]})
        return answer["topics"][0]["partitions"][0]

    def offset(self, topic, timestamp, partition=0):
        found = self.list_offset(topic, timestamp, partition)
        return found["offset"] if found["errorCode"] == 0 else None

    def fetch(self, topics, **terms):
        return self.ask(FETCH, 12, fetch_body(topics, **terms))

    def records(self, topic, offset=0):
        """The batches from an offset on, as batch_text describes them."""
        answer = self.fetch([(topic, 0, offset)])
        data = answer["responses"][0]["partitions"][0]
        equal(data["errorCode"], 0, f"fetching {topic}")
        return batch_text.describe_base64(data["records"])

    def end_of_epoch(self, topic, epoch):
        answer = self.ask("OffsetForLeaderEpoch", 4, {"replicaId": -1, "topics": [{"topic": topic, "partitions": [
            {"partition": 0, "currentLeaderEpoch": -1, "leaderEpoch": epoch}]}]})
        found = answer["topics"][0]["partitions"][0]
        return found["leaderEpoch"], found["endOffset"]


def fetch_body(topics, max_wait_ms=0, min_bytes=1, session_id=0, session_epoch=-1):
    return {"replicaId": -1, "maxWaitMs": max_wait_ms, "minBytes": min_bytes, "maxBytes": 1 << 20, "sessionId": session_id,
            "sessionEpoch": session_epoch, "topics": [{"topic": name, "partitions": [
                {"partition": partition, "fetchOffset": offset, "partitionMaxBytes": 1 << 20}]} for name, partition, offset in topics]}


def node(work, **settings):
    """A node that runs within its `with`, which stops what a case has not stopped or killed by then."""
    return Moldau(binary, work, {"log.retention.ms": "-1", **{key.replace("_", "."): value for key, value in settings.items()}})


def start_again(broker, topic, timestamp=-1):
    """Starts a node that has ended; a client of it, once the topic's first partition serves."""
    broker.start()
    client = Client(broker.port)
    client.until(lambda: client.offset(topic, timestamp) is not None, "the partition serves again")
    return client


def tree(directory):
    """Names and contents of all files, as one value."""
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "directory"
            for path in sorted(directory.rglob("*"))}


def refused_start(broker, *words):
    """The node does not start, says why, and changes nothing in its directory."""
    before = tree(broker.data)
    try:
        broker.start(timeout=20)
    except RuntimeError as why:
        text = str(why)
    else:
        broker.kill()
        raise AssertionError("it started")
    for word in words:
        check(word in text, f"'{word}' is not in: {text[-1500:]}")
    changed = {name for name, content in {**before, **tree(broker.data)}.items()
               if before.get(name) != content or name not in tree(broker.data)}
    equal(changed, set(), "files that changed")


def case_line_1_a_request_behind_a_waiting_fetch_is_answered_after_it(work):
    with node(work) as broker:
        client = Client(broker.port)
        client.create("t")
        began = time.monotonic()
        client.send(FETCH, 12, fetch_body([("t", 0, 0)], max_wait_ms=700))
        client.send("ApiVersions", 0, {})
        client.send(METADATA, 12, {"topics": []})
        equal(client.receive()["errorCode"], 0, "the fetch")
        waited = time.monotonic() - began
        check(0.65 < waited < 5, f"the fetch took {waited:.2f} s")
        equal(client.receive()["errorCode"], 0, "the versions")
        equal(client.receive()["topics"], [], "the metadata")


def case_line_1_pipelined_produces_are_answered_in_order(work):
    with node(work) as broker:
        client = Client(broker.port)
        client.create("t")
        for number in range(40):
            client.send(PRODUCE, 9, {"acks": -1 if number % 2 else 1, "timeoutMs": 5000, "topicData": [{"name": "t", "partitionData": [
                {"index": 0, "records": base64.b64encode(batch_text.build(f"@ (k,{number})")).decode()}]}]})
        offsets = [client.receive()["responses"][0]["partitionResponses"][0]["baseOffset"] for _ in range(40)]
        equal(offsets, list(range(40)), "offsets")


def case_line_2_a_frame_above_the_limit_closes_the_connection(work):
    with node(work, socket_request_max_bytes="1000") as broker:
        client = Client(broker.port)
        client.connection.send(struct.pack(">i", 1001) + b"\0" * 1001)
        try:
            client.connection.receive()
        except Closed:
            pass
        else:
            raise AssertionError("it was answered")
        equal(Client(broker.port).ask(METADATA, 12, {"topics": []})["topics"], [], "others are served")


def case_line_5_endpoints_are_those_of_the_listener_the_client_used(work):
    first, second, controller = free_port(), free_port(), free_port()
    with Moldau(binary, work, {
            "listeners": f"PLAINTEXT://127.0.0.1:{first},SECOND://127.0.0.1:{second},CONTROLLER://127.0.0.1:{controller}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECOND:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "advertised.listeners": "PLAINTEXT://one.example:1001,SECOND://two.example:1002"}):
        for port, host, advertised in ((first, "one.example", 1001), (second, "two.example", 1002)):
            client = Client(port)
            for name, answer in (("Metadata", client.ask(METADATA, 12, {"topics": []})),
                                 ("DescribeCluster", client.ask("DescribeCluster", 1, {"endpointType": 1}))):
                equal([(b["host"], b["port"]) for b in answer["brokers"]], [(host, advertised)], f"{name} at port {port}")


def case_line_5_each_of_several_listeners_tells_its_own_addresses_or_is_not_told(work):
    ports = {name: free_port() for name in ("INTERNAL", "PUBLIC", "HIDDEN", "CONTROLLER")}
    with Moldau(binary, work, {
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items()),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in ports),
            "inter.broker.listener.name": "INTERNAL",
            "advertised.listeners": f"INTERNAL://127.0.0.1:{ports['INTERNAL']},PUBLIC://public.example:443"}):
        internal, public, hidden = (Client(ports[name]) for name in ("INTERNAL", "PUBLIC", "HIDDEN"))
        internal.create("t")
        for client, wanted in ((internal, ("127.0.0.1", ports["INTERNAL"])), (public, ("public.example", 443))):
            metadata = client.ask(METADATA, 12, {"topics": [{"name": "t"}]})
            equal([(b["host"], b["port"]) for b in metadata["brokers"]], [wanted], "Metadata")
            equal(metadata["topics"][0]["partitions"][0]["leaderId"], 1, "the leader")
            cluster = client.ask("DescribeCluster", 2, {"endpointType": 1})
            equal([(b["host"], b["port"]) for b in cluster["brokers"]], [wanted], "DescribeCluster")
        metadata = hidden.ask(METADATA, 12, {"topics": [{"name": "t"}]})
        equal((metadata["brokers"], metadata["topics"][0]["partitions"][0]["errorCode"]), ([], LISTENER_NOT_FOUND),
              "a listener that is not told")


def set_quota(client, entity, **values):
    entry = {"entity": [{"entityType": kind, "entityName": name} for kind, name in entity.items()],
             "ops": [{"key": key, "value": value, "remove": False} for key, value in values.items()]}
    answer = client.ask("AlterClientQuotas", 1, {"entries": [entry]})
    equal(answer["entries"][0]["errorCode"], 0, f"setting {values}")


def case_line_64_a_quota_holds_a_client_to_it_over_all_its_connections(work):
    rate, seconds, samples = 200_000, 6, 3
    with node(work, quota_window_num=str(samples), moldau_shards="2") as broker:
        Client(broker.port).create("t", partitions=4)
        set_quota(Client(broker.port), {"client-id": "semantics"}, producer_byte_rate=rate)
        clients = [Client(broker.port) for _ in range(4)]
        sent = [0] * len(clients)
        end = time.monotonic() + seconds

        def produce(index):
            while time.monotonic() < end:
                clients[index].must_produce("t", "@ n=1 size=20000", acks=1, partition=index)
                sent[index] += 20_000

        threads = [threading.Thread(target=produce, args=(index,)) for index in range(len(clients))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        allowed = rate * (seconds + samples) + 2 * len(clients) * 20_000
        check(rate * seconds * 0.7 < sum(sent) <= allowed * 1.1, f"{sent} bytes were sent in {seconds} s of {rate} a second")


def case_line_64_changes_are_refused_while_the_quota_is_overdrawn(work):
    with node(work, controller_quota_window_num="2") as broker:
        client = Client(broker.port)
        set_quota(client, {"client-id": "semantics"}, controller_mutation_rate=2)  # a bucket of 4
        new = {"numPartitions": 8, "replicationFactor": 1}
        time.sleep(0.3)
        first = client.ask("CreateTopics", 7, {"topics": [{"name": "a", **new}], "timeoutMs": 10_000})
        equal((first["topics"][0]["errorCode"], first["throttleTimeMs"]), (0, 0), "what overdraws it")
        second = client.ask("CreateTopics", 7, {"topics": [{"name": "b", **new}], "timeoutMs": 10_000})
        equal(second["topics"][0]["errorCode"], THROTTLING_QUOTA_EXCEEDED, "what comes next")
        check(500 < second["throttleTimeMs"] <= 2000, f"held off for {second['throttleTimeMs']} ms")
        begin = time.monotonic()
        third = client.ask("CreateTopics", 7, {"topics": [{"name": "b", **new}], "timeoutMs": 10_000})
        check(time.monotonic() - begin > second["throttleTimeMs"] / 1000 - 0.1, "the connection was not held off")
        equal(third["topics"][0]["errorCode"], 0, "once it is even again")


def case_line_14_a_codec_of_the_topic_is_that_of_its_files_and_outlives_a_restart(work):
    with node(work) as broker:
        client = Client(broker.port)
        for name, codec in (("a", "gzip"), ("b", "zstd"), ("c", "uncompressed")):
            client.create(name, compression_type=codec)
            client.must_produce(name, "@ codec=lz4 (k,v) (l,w)")
    with node(work) as broker:
        client = Client(broker.port)
        for name, codec in (("a", 1), ("b", 4), ("c", 0)):
            client.must_produce(name, "@ codec=snappy (k,v) (l,w)")
            equal([batch["attributes"] & 7 for batch in client.records(name)], [codec, codec], f"the codecs stored in {name}")
            equal(client.offset(name, -1), 4, f"the end of {name}")
        said = [line for line in broker.log.read_text().splitlines() if " WARN " in line and "compression" in line]
        equal(said, [], "warnings")


def keyed(client, topic):
    """The last value of each key, and the offsets of all records."""
    values, offsets, next_offset, end = {}, [], client.offset(topic, -2), client.offset(topic, -1)
    while next_offset < end:
        for batch in client.records(topic, next_offset):
            for delta, _, key, value, *_ in batch["content"]:
                offsets.append(batch["baseOffset"] + delta)
                values[key] = value
            next_offset = batch["baseOffset"] + batch["lastOffsetDelta"] + 1
    return values, offsets


def case_line_45_the_last_value_of_each_key_stays_where_it_was_also_after_a_kill(work):
    settings = {"log.cleaner.backoff.ms": 100}
    with node(work, **settings) as broker:
        client = Client(broker.port)
        client.create("kept", cleanup_policy="compact", internal_segment_bytes="300", min_cleanable_dirty_ratio="0.01")
        for turn in range(30):
            for key in ("a", "b", "c"):
                client.must_produce("kept", f"@{' codec=gzip' if turn % 2 else ''} ({key},{turn}) ({key},{turn}x)")
        values = {key: "29x" for key in ("a", "b", "c")}  # also of those not compacted yet
        client.until(lambda: len(keyed(client, "kept")[1]) < 30, "compaction")
        equal(keyed(client, "kept")[0], values, "the values")
        equal(client.offset("kept", -2), 0, "the log start")
        equal(client.offset("kept", -1), 180, "the log end")
        before = keyed(client, "kept")[1]
        check(before == sorted(before) and before[-1] == 179, f"offsets {before}")
        directory = broker.data / "kept-0"
        client.until(lambda: "kept 0" in (broker.data / "cleaner-offset-checkpoint").read_text(), "the checkpoint")
        client.until(lambda: not [path for path in directory.iterdir() if path.suffix in (".cleaned", ".swap")], "all passes have ended")
        broker.kill()
        client = start_again(broker, "kept")
        equal(keyed(client, "kept")[0], values, "the values after a kill")
        check(set(keyed(client, "kept")[1]) <= set(before), "nothing comes back")
        warned = [line for line in broker.log.read_text().splitlines() if " WARN " in line and "kept" in line]
        equal(warned, [], "warnings")


def case_line_46_a_tombstone_goes_delete_retention_after_it_was_compacted(work):
    with node(work, **{"log.cleaner.backoff.ms": 100}) as broker:
        client = Client(broker.port)
        client.create("gone", cleanup_policy="compact", internal_segment_bytes="300", min_cleanable_dirty_ratio="0.01",
                      delete_retention_ms="1500")
        client.must_produce("gone", "@ (a,1) (b,1)")
        client.must_produce("gone", "@ (a,-)")

        def fill(turn):
            for _ in range(4):
                client.must_produce("gone", f"@ (filler,{turn})")

        fill(0)
        client.until(lambda: keyed(client, "gone")[1][0] == 1, "the value goes")
        first = time.monotonic()
        check(2 in keyed(client, "gone")[1], "the tombstone is still there")
        fill(1)
        while 2 in keyed(client, "gone")[1]:
            check(time.monotonic() - first < 20, "the tombstone stays")
            fill(2)
            time.sleep(0.2)
        check(time.monotonic() - first > 1.0, "the tombstone went too early")
        equal(keyed(client, "gone")[0]["b"], "1", "the other key")


def case_line_22_producer_ids_are_not_given_out_again_after_a_kill(work):
    broker = node(work)
    seen = []
    for _ in range(3):
        with broker:
            client = Client(broker.port)
            for _ in range(2):
                answer = client.ask("InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 1000})
                while answer["errorCode"] == 14:  # the block is being fetched
                    answer = client.ask("InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 1000})
                equal((answer["errorCode"], answer["producerEpoch"]), (0, 0), "a new producer")
                seen.append(answer["producerId"])
            broker.kill()
    check(len(set(seen)) == len(seen) and seen == sorted(seen), f"ids {seen}")


def case_line_19_a_duplicate_is_known_after_a_kill(work):
    with node(work) as broker:
        client = Client(broker.port)
        client.create("t")
        now = int(time.time() * 1000)
        for sequence in range(3):
            equal(client.must_produce("t", f"@ (k,{sequence},ts={now}) pid=7 pepoch=0 seq={sequence}"), sequence, "offset")
        broker.kill()
        client = start_again(broker, "t")
        client.until(lambda: client.offset("t", -1) == 3, "what was acknowledged is there")
        equal(client.must_produce("t", f"@ (k,1,ts={now}) pid=7 pepoch=0 seq=1"), 1, "the duplicate's offset")
        equal(client.produce("t", f"@ (k,9,ts={now}) pid=7 pepoch=0 seq=9")["errorCode"], 45, "a gap")
        equal(client.must_produce("t", f"@ (k,3,ts={now}) pid=7 pepoch=0 seq=3"), 3, "the next offset")


def case_line_21_an_idle_producer_is_forgotten_and_may_start_anywhere(work):
    with node(work, producer_id_expiration_ms="1500", producer_id_expiration_check_interval_ms="100") as broker:
        client = Client(broker.port)
        client.create("t")

        def produce(sequence):
            return client.produce("t", f"@ (k,v,ts={int(time.time() * 1000)}) pid=7 pepoch=0 seq={sequence}")["errorCode"]

        equal(produce(0), 0, "the first batch")
        equal(produce(5), 45, "a gap")
        client.until(lambda: produce(5) == 0, "the producer is forgotten")
        equal(produce(6), 0, "the batch behind it")
        equal(produce(9), 45, "a gap again")


def case_line_31_a_session_goes_on_from_any_connection(work):
    with node(work, **{"moldau.shards": "4"}) as broker:
        client = Client(broker.port)
        client.create("t", 8)
        opened = client.fetch([("t", partition, 0) for partition in range(8)], session_epoch=0)
        session = opened["sessionId"]
        check(session > 0, "no session was made")
        for epoch in range(1, 25):
            # Each connection begins its life on another shard, and its first fetch names no partition that would move it.
            other = Client(broker.port)
            answer = other.fetch([], session_id=session, session_epoch=epoch)
            equal((answer["errorCode"], answer["sessionId"], answer["responses"]), (0, session, []), f"epoch {epoch}")
        client.must_produce("t", "@ (k,v)", partition=3)
        news = Client(broker.port).fetch([], session_id=session, session_epoch=25)
        equal([p["partitionIndex"] for t in news["responses"] for p in t["partitions"]], [3], "partitions with news")
        closing = Client(broker.port).fetch([("t", 0, 0)], session_id=session, session_epoch=-1)
        equal(closing["errorCode"], 0, "the final fetch")
        client.until(lambda: Client(broker.port).fetch([], session_id=session, session_epoch=26)["errorCode"] == SESSION_NOT_FOUND,
                     "the session is closed")


def case_line_36_a_lost_tail_is_shown_to_who_read_it(work):
    with node(work) as broker:
        client = Client(broker.port)
        client.create("t")
        client.must_produce("t", "@ n=3 size=10")  # acks=all: on the disk
        log = broker.data / "t-0" / "00000000000000000000.log"
        durable = log.stat().st_size
        client.must_produce("t", "@ n=4 size=10", acks=1)
        equal(client.offset("t", -1), 7, "the end that a consumer saw")
        broker.kill()
        with open(log, "r+b") as file:  # as a power cut takes what was not synced
            file.truncate(durable)
        client = start_again(broker, "t")
        client.must_produce("t", "@ n=9 size=10")
        equal(client.end_of_epoch("t", 0), (0, 3), "the end of the epoch that the consumer was in")
        body = fetch_body([("t", 0, 7)], max_wait_ms=5000, min_bytes=1 << 20)
        body["topics"][0]["partitions"][0]["lastFetchedEpoch"] = 0
        began = time.monotonic()
        data = client.ask(FETCH, 12, body)["responses"][0]["partitions"][0]
        equal((data["errorCode"], data["divergingEpoch"]["epoch"], data["divergingEpoch"]["endOffset"]), (0, 0, 3), "the fetch")
        check(not data["records"] and time.monotonic() - began < 3, "it came with records, or late")


def case_line_43_deleted_records_stay_deleted_after_a_kill(work):
    with node(work) as broker:
        client = Client(broker.port)
        client.create("t")
        client.must_produce("t", "@ n=5 size=10")
        answer = client.ask("DeleteRecords", 2, {"timeoutMs": 10_000, "topics": [{"name": "t", "partitions": [
            {"partitionIndex": 0, "offset": 3}]}]})
        equal(answer["topics"][0]["partitions"][0], {"partitionIndex": 0, "lowWatermark": 3, "errorCode": 0}, "the answer")
        broker.kill()
        client = start_again(broker, "t", timestamp=-2)
        equal(client.offset("t", -2), 3, "the log start")


def case_line_44_retention_deletes_whole_segments_and_an_empty_policy_none(work):
    with node(work, log_retention_check_interval_ms="200") as broker:
        client = Client(broker.port)
        small = {"segment_bytes": "1048576", "file_delete_delay_ms": "0"}
        client.create("by-size", retention_bytes="1048576", **small)
        client.create("by-time", retention_ms="1000", **small)
        client.create("future", retention_ms="1000", **small)
        client.create("kept", cleanup_policy="", retention_bytes="1", retention_ms="1", **small)
        future = int(time.time() * 1000) + 600_000
        for _ in range(4):
            for topic in ("by-size", "by-time", "kept"):
                client.must_produce(topic, "@ n=1 size=600000")
            client.must_produce("future", f"@ (k,v,ts={future})")
        # Four segments of one batch: with three gone less than the limit is left, so two go.
        client.until(lambda: client.offset("by-size", -2) == 2, "retention by size")
        client.until(lambda: client.offset("by-time", -2) == 4, "retention by time, the active segment included")
        equal(client.must_produce("by-time", f"@ (k,v,ts={future})"), 4, "offsets go on")
        equal(client.offset("future", -2), 0, "records from the future")
        equal(client.offset("kept", -2), 0, "an empty policy")
        files = sorted(path.name for path in (broker.data / "by-size-0").glob("*.log"))
        equal(len(files), 2, f"files {files}")


def case_line_47_a_deleted_topic_ends_the_fetches_that_wait_and_its_directories_go(work):
    with node(work, log_segment_delete_delay_ms="2000") as broker:
        client, waiting = Client(broker.port), Client(broker.port)
        client.create("t", partitions=2)
        client.must_produce("t", "@ (k,v)")
        waiting.send(FETCH, 12, fetch_body([("t", 0, 1)], max_wait_ms=20_000))
        time.sleep(0.2)
        began = time.monotonic()
        answer = client.ask("DeleteTopics", 6, {"topics": [{"name": "t"}], "timeoutMs": 10_000})
        equal(answer["responses"][0]["errorCode"], 0, "the deletion")
        told = waiting.receive()["responses"][0]["partitions"][0]["errorCode"]
        check(told in (UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID) and time.monotonic() - began < 5, f"the waiting fetch: {told}")

        def directories():
            return sorted(path.name for path in broker.data.iterdir() if path.name.startswith("t-") or path.name.startswith("t."))

        client.until(lambda: all(name.endswith("-delete") for name in directories()), "the directories are renamed")
        client.until(lambda: not directories(), "the directories are removed")
        equal(client.list_offset("t", -1)["errorCode"], UNKNOWN_TOPIC_OR_PARTITION, "the topic")


def case_line_47_a_deletion_that_is_forbidden_is_refused(work):
    with node(work, delete_topic_enable="false") as broker:
        client = Client(broker.port)
        client.create("t")
        answer = client.ask("DeleteTopics", 6, {"topics": [{"name": "t"}, {"name": "absent"}], "timeoutMs": 10_000})
        equal([one["errorCode"] for one in answer["responses"]], [TOPIC_DELETION_DISABLED] * 2, "the answers")
        equal(client.offset("t", -1), 0, "the topic")


def case_line_61_every_start_raises_the_leader_epoch_by_two(work):
    with node(work) as broker:
        client = Client(broker.port)
        client.create("t")
        client.must_produce("t", "@ n=5 size=10")
        for end, stop in ((7, broker.kill), (9, broker.stop)):
            stop()
            client = start_again(broker, "t")
            client.must_produce("t", "@ n=2 size=10")
            equal(client.offset("t", -1), end, "the end")
        equal([client.end_of_epoch("t", epoch) for epoch in range(6)], [(0, 5), (0, 5), (2, 7), (2, 7), (4, 9), (-1, -1)], "epochs")
        broker.stop()
        checkpoint = (broker.data / "t-0" / "leader-epoch-checkpoint").read_text().split("\n")
        equal(checkpoint[:5], ["0", "3", "0 0", "2 5", "4 7"], "leader-epoch-checkpoint")


def case_line_61_our_own_files_are_known_at_every_start(work):
    broker = node(work)
    for stop in (broker.stop, broker.kill, broker.stop):
        with broker:
            client = Client(broker.port)
            client.ask("InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 1000})
            stop()
    said = [line for line in broker.log.read_text().splitlines() if "left alone" in line]
    equal(said, [], "files that the node does not know")


def patch_features(path, feature, change):
    """Lets `change(batch, position of the level)` alter the FeatureLevelRecords of `feature` in a metadata log or snapshot; the CRC
    follows. How many there were."""
    data, at, patched = bytearray(path.read_bytes()), 0, 0
    while at + 12 <= len(data):
        end = at + 12 + struct.unpack_from(">i", data, at + 8)[0]
        batch = data[at:end]
        name = batch.find(bytes([len(feature) + 1]) + feature.encode())  # a compact string
        if name >= 0:
            change(batch, name + 1 + len(feature))
            struct.pack_into(">I", batch, 17, batch_text.crc32c(bytes(batch[21:])))
            data[at:end] = batch
            patched += 1
        at = end
    path.write_bytes(data)
    return patched


def metadata_files(broker):
    return [*broker.data.glob("__cluster_metadata-0/*.log"), *broker.data.glob("__cluster_metadata-0/*.checkpoint"),
            *broker.data.glob("bootstrap.checkpoint")]


def add_partitions(client, topic, count):
    answer = client.ask("CreatePartitions", 3, {"topics": [{"name": topic, "count": count, "assignments": None}], "timeoutMs": 10_000})
    equal(answer["results"][0]["errorCode"], 0, f"partitions for {topic}")


def case_added_partitions_serve_on_every_connection_when_they_are_told_and_stay(work):
    with node(work, moldau_shards="4") as broker:
        clients = [Client(broker.port) for _ in range(8)]
        clients[0].create("t", 2)
        clients[0].must_produce("t", "@ (k,before)", partition=1)
        for count in (3, 40):
            add_partitions(clients[0], "t", count)
            for client in clients:
                topic = client.ask(METADATA, 12, {"topics": [{"name": "t"}]})["topics"][0]
                equal([(p["partitionIndex"], p["leaderId"], p["errorCode"]) for p in topic["partitions"]],
                      [(index, 1, 0) for index in range(count)], "the partitions")
        for number, client in enumerate(clients):
            client.until(lambda: client.offset("t", -1, 39 - number) is not None, "it serves")
            client.must_produce("t", "@ (k,v)", partition=39 - number)
        broker.kill()
        client = start_again(broker, "t")
        client.until(lambda: all(client.offset("t", -1, index) is not None for index in range(40)), "all serve again")
        equal([client.offset("t", -1, index) for index in (1, 30, 32, 39)], [1, 0, 1, 1], "the ends")


def case_a_broker_that_was_unregistered_serves_again_after_a_start(work):
    with node(work) as broker:
        client = Client(broker.port)
        client.create("t")
        client.must_produce("t", "@ n=5 size=10")
        equal(client.ask("UnregisterBroker", 0, {"brokerId": 1})["errorCode"], 0, "unregistering")
        client.until(lambda: client.produce("t", "@ (k,v)")["errorCode"] != 0, "nobody leads")
        equal(client.ask(METADATA, 12, {"topics": [{"name": "t"}]})["brokers"], [], "the brokers")
        broker.kill()
        client = start_again(broker, "t")
        equal(client.offset("t", -1), 5, "the end")
        equal(client.must_produce("t", "@ (k,v)"), 5, "the next record")


def case_features_stay_as_they_were_set(work):
    with node(work) as broker:
        client = Client(broker.port)
        update = {"featureUpdates": [{"feature": "group.version", "maxVersionLevel": 0, "upgradeType": 2}], "validateOnly": False}
        equal(client.ask("UpdateFeatures", 2, update)["errorCode"], 0, "the update")
        broker.kill()
        broker.start()
        versions = Client(broker.port).ask("ApiVersions", 4, {"clientSoftwareName": "semantics", "clientSoftwareVersion": "1"})
        levels = {feature["name"]: feature["maxVersionLevel"] for feature in versions["finalizedFeatures"]}
        check("group.version" not in levels and levels["metadata.version"] == 30, f"{levels}")


def case_directory_with_an_unknown_feature_level_is_refused_and_left_as_it_is(work):
    def level(value):
        return lambda batch, at: struct.pack_into(">h", batch, at, value)

    def rename(batch, at):
        batch[at - 5 : at] = b"xxxxx"

    for number, (feature, change, words) in enumerate((
            ("metadata.version", level(99), ("metadata.version", "99")),
            ("metadata.version", level(3), ("metadata.version", "level 3")),
            ("transaction.version", level(9), ("transaction.version", "9")),
            ("group.version", rename, ("group.vexxxxx", "does not know")))):
        for stop in ("clean", "kill"):
            with node(work / f"{number}-{stop}") as broker:
                Client(broker.port).create("t")
                (broker.stop if stop == "clean" else broker.kill)()
            patched = sum(patch_features(path, feature, change) for path in metadata_files(broker))
            check(patched > 0, f"no record of {feature} was found")
            refused_start(broker, *words, "nothing was changed")


def case_directory_with_a_metadata_record_of_a_later_release_is_refused_and_left_as_it_is(work):
    with node(work) as broker:
        Client(broker.port).create("later-release")
        broker.stop()
    log = broker.data / "__cluster_metadata-0" / "00000000000000000000.log"

    def unknown_type(batch, at):
        # frame version 1, type 2 (TopicRecord), version 0 stand before the name's length byte
        position = at - len("later-release") - 1 - 3
        equal(bytes(batch[position : position + 3]), b"\x01\x02\x00", "the frame of a TopicRecord")
        batch[position + 1] = 99

    equal(patch_features(log, "later-release", unknown_type), 1, "TopicRecords")
    refused_start(broker, "a later release wrote this")


def case_directory_of_another_node_is_refused_and_left_as_it_is(work):
    with node(work) as broker:
        broker.stop()
    broker.settings["node.id"] = "2"
    refused_start(broker, "node.id")


def case_directory_with_a_damaged_identity_is_refused_and_left_as_it_is(work):
    with node(work) as broker:
        broker.stop()
    properties = broker.data / "meta.properties"
    good = properties.read_text()
    for bad, word in ((good.replace("version=1", "version=7"), "version"),
                      (re.sub(r"cluster\.id=.*\n", "", good), "cluster.id"),
                      (re.sub(r"node\.id=.*", "node.id=one", good), "node id")):
        properties.write_text(bad)
        refused_start(broker, "meta.properties", word)
    properties.write_text(good)
    with broker:
        broker.stop()


def case_directory_that_was_formatted_for_another_cluster_is_refused_and_left_as_it_is(work):
    broker = node(work)
    broker.format()
    before = tree(broker.data)
    for options, word in ((), "formatted already"), (("--ignore-formatted",), "cluster"):
        try:
            broker.format("AAAAAAAAAAAAAAAAAAAAAQ", *options)
        except RuntimeError as why:
            check(word in str(why), str(why))
        else:
            raise AssertionError(f"it was formatted again with {options}")
        equal(tree(broker.data), before, f"the directory after format {options}")


def main():
    global binary
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moldau", metavar="BINARY", default=os.environ.get("MOLDAU"))
    parser.add_argument("cases", nargs="*", help="parts of names: only these")
    arguments = parser.parse_args()
    if not arguments.moldau:
        parser.error("--moldau BINARY, or MOLDAU in the environment")
    binary = arguments.moldau
    cases = [(name.removeprefix("case_").replace("_", " "), case) for name, case in globals().items() if name.startswith("case_")]
    failed = 0
    for name, case in cases:
        name = re.sub(r"^line (\d+) ", r"line \1: ", name)
        if arguments.cases and not any(part in name for part in arguments.cases):
            continue
        work = pathlib.Path(tempfile.mkdtemp(prefix="moldau-semantics-"))
        try:
            case(work)
            print(f"PASS {name}", flush=True)
        except Exception as error:  # a case's end, whatever it is, must not hide the others
            failed += 1
            where = "" if isinstance(error, AssertionError) else traceback.format_exc(limit=-2)
            print(f"FAIL {name}: {error} {where}".replace("\n", " "), flush=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

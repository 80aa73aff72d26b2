"""Fetches, offsets and deletions of records that cannot be."""

import socket
import struct
import time

from codes import (
    FENCED_LEADER_EPOCH,
    FETCH_SESSION_ID_NOT_FOUND,
    FETCH_SESSION_TOPIC_ID_ERROR,
    INVALID_FETCH_SESSION_EPOCH,
    INVALID_REQUEST,
    INVALID_TOPIC,
    NOT_LEADER_OR_FOLLOWER,
    OFFSET_OUT_OF_RANGE,
    POLICY_VIOLATION,
    UNKNOWN_LEADER_EPOCH,
    UNKNOWN_TOPIC_ID,
    UNSUPPORTED_VERSION,
)
from harness import Skip, check, equal
from under_test import MIB, NONE, decode, fetch_body, only_partition
from wire import batch, framed, request


def case_input_75_fetch_as_a_replica_that_is_none(broker):
    topic = broker.topic()
    broker.produce(topic, batch("@ (k,v)"))
    for replica in (2, 2**31 - 1):
        code = only_partition(broker.ask("Fetch", 12, fetch_body(topic, replicaId=replica)))["errorCode"]
        check(code in (UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER), f"replica {replica}: {code}")


def case_input_76_fetch_sessions(broker):
    topic = broker.topic()
    answer = broker.ask("Fetch", 12, fetch_body(topic, sessionId=123456, sessionEpoch=5))
    equal(answer["errorCode"], FETCH_SESSION_ID_NOT_FOUND, "an unknown session")
    with broker.connect() as connection:
        def ask(version: int, body: dict) -> dict:
            return decode("Fetch", version, connection.ask(request("Fetch", version, body)))

        opened = ask(12, fetch_body(topic, sessionId=0, sessionEpoch=0))["sessionId"]
        check(opened != 0, "no session was made")
        wrong = ask(12, fetch_body(topic, sessionId=opened, sessionEpoch=17))
        equal(wrong["errorCode"], INVALID_FETCH_SESSION_EPOCH, "a wrong epoch")
        by_id = fetch_body(topic, sessionId=opened, sessionEpoch=1) | {"topics": []}
        equal(ask(13, by_id)["errorCode"], FETCH_SESSION_TOPIC_ID_ERROR, "names, then ids")


def case_input_77_fetch_of_an_unknown_topic_id(broker):
    body = fetch_body("")
    body["topics"] = [{"topicId": "AAAAAAAAAAAAAAAAAAAAAQ", "partitions": body["topics"][0]["partitions"]}]
    equal(only_partition(broker.ask("Fetch", 13, body))["errorCode"], UNKNOWN_TOPIC_ID, "the partition")


def case_input_78_fetch_out_of_range(broker):
    topic = broker.topic()
    broker.produce(topic, batch("@ (k,v)"))
    for offset in (2, -1, -(2**63), 2**63 - 1):
        code = only_partition(broker.ask("Fetch", 12, fetch_body(topic, offset)))["errorCode"]
        equal(code, OFFSET_OUT_OF_RANGE, f"offset {offset}")


def case_input_79_fetch_with_another_leader_epoch(broker):
    def code_of(epoch: int) -> int:
        return only_partition(broker.ask("Fetch", 12, fetch_body(topic, currentLeaderEpoch=epoch)))["errorCode"]

    topic = broker.topic()
    epoch = broker.metadata(topic)["partitions"][0]["leaderEpoch"]
    equal([code_of(epoch + more) for more in (0, 1, 5)], [NONE, UNKNOWN_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH], "this epoch, newer ones")
    broker.restart()  # which begins new epochs
    broker.wait_for_leader(topic)
    now = broker.metadata(topic)["partitions"][0]["leaderEpoch"]
    check(now > epoch, f"the leader's epoch is {now}, and was {epoch}")
    equal([code_of(one) for one in (epoch, now - 1, now, now + 1)],
          [FENCED_LEADER_EPOCH, FENCED_LEADER_EPOCH, NONE, UNKNOWN_LEADER_EPOCH], "older epochs, this one, a newer one")


def case_input_80_fetch_that_asks_for_everything_and_waits_for_ever(broker):
    topic = broker.topic()
    most = 2**31 - 1
    body = fetch_body(topic, maxWaitMs=most, minBytes=most, maxBytes=most)
    waiting = []
    before = broker.reset_peak_memory() if broker.pid else 0
    for _ in range(200):
        connection = broker.connect()
        connection.send(framed(request("Fetch", 12, body)))
        waiting.append(connection)
    broker.still_serves()
    broker.produce(topic, batch("@ (k,v)"))
    if broker.pid and not broker.is_apache:
        broker.check_growth(before, 32 * MIB, f"{len(waiting)} fetches that wait for 2 GiB")
    for connection in waiting:
        connection.socket.close()


def case_input_80_a_peer_that_leaves_while_it_waits_is_let_go(broker):
    if broker.pid is None or broker.is_apache:
        raise Skip("descriptors are counted of a Moldau of our own; Kafka lets go after connections.max.idle.ms")
    topic = broker.topic()
    most = 2**31 - 1
    poll = framed(request("Fetch", 12, fetch_body(topic, maxWaitMs=most, minBytes=most, maxBytes=most)))
    before = broker.descriptors()
    for _ in range(50):
        connection = broker.connect()
        connection.send(poll + framed(request("ApiVersions", 0)))
        time.sleep(0.01)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.socket.close()
    deadline = time.monotonic() + 3
    while broker.descriptors() > before + 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    check(broker.descriptors() <= before + 5, f"{broker.descriptors()} descriptors are open, {before} were")


def case_input_81_list_offsets(broker):
    topic = broker.topic()
    twice = {"replicaId": -1, "topics": [{"name": topic, "partitions": [{"partitionIndex": 0, "timestamp": -1}] * 2}]}
    for partition in broker.ask("ListOffsets", 7, twice)["topics"][0]["partitions"]:
        equal(partition["errorCode"], INVALID_REQUEST, "a partition that is asked for twice")
    for timestamp in (-7, -100, -(2**63)):
        body = {"replicaId": -1, "topics": [{"name": topic, "partitions": [{"partitionIndex": 0, "timestamp": timestamp}]}]}
        code = broker.ask("ListOffsets", 7, body)["topics"][0]["partitions"][0]["errorCode"]
        equal(code, UNSUPPORTED_VERSION, f"timestamp {timestamp}")


def case_input_82_delete_records(broker):
    def code_of(topic: str, offset: int) -> int:
        body = {"topics": [{"name": topic, "partitions": [{"partitionIndex": 0, "offset": offset}]}], "timeoutMs": 5000}
        return broker.ask("DeleteRecords", 2, body)["topics"][0]["partitions"][0]["errorCode"]

    topic = broker.topic()
    broker.produce(topic, batch("@ (k,v)"))
    for offset in (2, -2, 2**63 - 1, -(2**63)):
        equal(code_of(topic, offset), OFFSET_OUT_OF_RANGE, f"offset {offset}")
    equal(code_of(broker.topic({"cleanup.policy": "compact"}), 0), POLICY_VIOLATION, "a compacted topic")
    equal(code_of(broker.internal_topic(), 0), INVALID_TOPIC, "an internal topic")

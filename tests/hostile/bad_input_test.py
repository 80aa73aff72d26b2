#!/usr/bin/env python3
"""What a broker answers to bad input, sent over raw sockets; after each the broker must still serve.

usage: tests/hostile/bad_input_test.py (--moldau BINARY | --apache | --bootstrap HOST:PORT)

One line an input, named after its number in the catalogue of bad inputs. --apache shows that Apache Kafka 4.3.1 answers
the same, but for the differences that a case names (`is_apache`).
"""

import gzip
import math
import pathlib
import socket
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

import harness  # noqa: E402
import wire  # noqa: E402
from harness import Skip, check, equal  # noqa: E402
from under_test import MIB, NONE, Broker, decode, fetch_body, only_partition, produce_body  # noqa: E402
from wire import Closed, Connection, batch, framed, header, request  # noqa: E402

IDLE_MS = 4000
SETTINGS = {"connections.max.idle.ms": str(IDLE_MS), "num.partitions": "1"}

UNKNOWN_SERVER_ERROR = -1
OFFSET_OUT_OF_RANGE = 1
CORRUPT_MESSAGE = 2
UNKNOWN_TOPIC_OR_PARTITION = 3
MESSAGE_TOO_LARGE = 10
COORDINATOR_LOAD_IN_PROGRESS = 14
INVALID_TOPIC = 17
RECORD_LIST_TOO_LARGE = 18
INVALID_REQUIRED_ACKS = 21
INVALID_TIMESTAMP = 32
UNSUPPORTED_VERSION = 35
TOPIC_ALREADY_EXISTS = 36
INVALID_PARTITIONS = 37
INVALID_REPLICATION_FACTOR = 38
INVALID_REPLICA_ASSIGNMENT = 39
INVALID_CONFIG = 40
INVALID_REQUEST = 42
POLICY_VIOLATION = 44
OUT_OF_ORDER_SEQUENCE = 45
INVALID_PRODUCER_EPOCH = 47
INVALID_TXN_STATE = 48
TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53
FETCH_SESSION_ID_NOT_FOUND = 70
INVALID_FETCH_SESSION_EPOCH = 71
FENCED_LEADER_EPOCH = 74
UNKNOWN_LEADER_EPOCH = 75
UNSUPPORTED_COMPRESSION_TYPE = 76
INVALID_RECORD = 87
UNKNOWN_TOPIC_ID = 100
FETCH_SESSION_TOPIC_ID_ERROR = 106


# Frames and headers


def case_input_1_negative_frame_size(broker):
    for size in (-1, -(2**31)):
        broker.closes(struct.pack(">i", size))


def case_input_2_frame_size_above_socket_request_max_bytes(broker):
    for size in (104857601, 2**31 - 1):
        broker.closes(struct.pack(">i", size))


def case_input_3_frame_size_zero(broker):
    broker.closes(bytes(4))


def case_input_4_http_or_tls_on_the_kafka_port(broker):
    broker.closes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    broker.closes(bytes.fromhex("1603010200010001fc0303") + bytes(64))


def case_input_5_part_of_a_frame_then_silence(broker):
    with broker.connect(timeout=IDLE_MS / 1000 + 6) as connection:
        connection.send(struct.pack(">i", 1000) + b"part")
        begin = time.monotonic()
        check(connection.is_closed_unanswered(), "not closed at connections.max.idle.ms")
        check(time.monotonic() - begin > IDLE_MS / 1000 - 1, "closed too early")


def case_input_6_unknown_api_key(broker):
    for key in (999, -1, 4, 127, 128, 2**15 - 1):
        broker.closes(framed(header(key, 0)))


def case_input_7_known_key_unsupported_version(broker):
    for name, version in (("Metadata", 99), ("Metadata", -1), ("Fetch", 3), ("Produce", 2), ("CreateTopics", 1), ("ListOffsets", 0)):
        broker.closes(framed(header(wire.api(name), version) + bytes(64)))


def case_input_8_api_versions_of_an_unsupported_version(broker):
    for version in (5, 99, 2**15 - 1):
        with broker.connect() as connection:
            answer = connection.ask(header(18, version, tags=b"\0") + b"\1\1\0")
            decoded = decode("ApiVersions", 0, answer)
            equal(decoded["errorCode"], UNSUPPORTED_VERSION, "the error")
            keys = [(one["apiKey"], one["minVersion"], one["maxVersion"]) for one in decoded["apiKeys"]]
            equal(keys, [(18, 0, 4)], "the ranges")
            equal(decode("ApiVersions", 0, connection.ask(request("ApiVersions", 0)))["errorCode"], NONE, "the next request")


def case_input_9_api_versions_with_a_bad_software_name(broker):
    for name, version in (("a b!", "1"), ("", "1"), ("name", ""), ("name", "1_"), ("-x", "1"), ("x", "1.")):
        answer = broker.ask("ApiVersions", 3, {"clientSoftwareName": name, "clientSoftwareVersion": version})
        equal(answer["errorCode"], INVALID_REQUEST, f"for {name!r} {version!r}")


def case_input_10_header_truncated_or_alone(broker):
    whole = header(3, 1)
    for size in range(1, len(whole)):
        broker.closes(framed(whole[:size]))
    broker.closes(framed(whole))


def case_input_11_body_shorter_than_its_schema(broker):
    good = [request("Metadata", 12, {"topics": [{"name": "t"}]}), request("Fetch", 12, fetch_body("t")),
            request("Produce", 9, produce_body("t", batch("@ (a,1)"))), request("DescribeConfigs", 4, {"resources": []}),
            request("InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 1})]
    for whole in good:
        for missing in (1, 2, 5):
            broker.closes(framed(whole[:-missing]))


def case_input_12_array_count_beyond_the_bytes(broker):
    for count in (2**31 - 1, 2**30, 1000):
        broker.closes(framed(header(3, 1) + struct.pack(">i", count) + b"\0\1t"))
    broker.closes(framed(header(3, 12, tags=b"\0") + b"\xff\xff\xff\xff\x0f"))
    broker.closes(framed(header(19, 2) + struct.pack(">i", 2**31 - 1)))


def case_input_13_count_plausible_in_bytes_but_huge_in_memory(broker):
    names = 4 * MIB
    frame = header(3, 1) + struct.pack(">i", names) + bytes(2 * names)
    before = broker.reset_peak_memory() if broker.pid else 0
    with broker.connect(timeout=30) as connection:
        connection.send(framed(frame))
        try:
            connection.read_frame()
        except Closed:
            pass
    if broker.pid and not broker.is_apache:
        broker.check_growth(before, 32 * len(frame) + 64 * MIB, f"a frame of {len(frame) >> 20} MiB")


def case_input_14_unknown_tagged_fields(broker):
    def tags(count: int) -> bytes:
        fields = b"".join(wire.schema_codec.uvarint(100 + index) + b"\0" for index in range(count))
        return wire.schema_codec.uvarint(count) + fields

    body = request("Metadata", 12, {"topics": []})[len(header(3, 12, tags=b"\0")):]
    with broker.connect() as connection:
        frame = header(3, 12, tags=tags(5)) + body[:-1] + tags(5)
        check(decode("Metadata", 12, connection.ask(frame))["brokers"], "a few unknown tags are ignored")
    if not broker.is_apache:  # which serves a million of them
        broker.closes(framed(header(3, 12, tags=b"\0") + body[:-1] + tags(100_000)))


def case_input_15_null_where_no_null_may_be(broker):
    broker.closes(framed(header(3, 1) + struct.pack(">ih", 1, -1)))  # Metadata v1: a topic without a name
    broker.closes(framed(header(19, 2) + struct.pack(">i", -1) + bytes(5)))  # CreateTopics v2: no topics
    broker.closes(framed(header(1, 12, tags=b"\0") + bytes(25) + b"\0\1\1\0"))  # Fetch v12: no topics


def case_input_16_varint_or_compact_string_too_long(broker):
    start = header(3, 12, tags=b"\0")
    broker.closes(framed(start + b"\xff\xff\xff\xff\xff\x01" + bytes(16)))
    broker.closes(framed(start + b"\2" + bytes(16) + wire.schema_codec.uvarint(32769) + bytes(40000)))


def case_input_17_invalid_utf8(broker):
    with broker.connect() as connection:
        answer = decode("Metadata", 1, connection.ask(header(3, 1) + struct.pack(">ih", 1, 2) + b"\xff\xfe"))
        check(answer["topics"][0]["errorCode"] in (INVALID_TOPIC, UNKNOWN_TOPIC_OR_PARTITION), "an invalid name is no topic")
    with broker.connect() as connection:
        name = struct.pack(">h", 3) + b"\xc3\x28\xff"
        head = struct.pack(">hhi", 3, 1, wire.CORRELATION) + name
        check(decode("Metadata", 1, connection.ask(head + bytes(4)))["brokers"], "an invalid client id is served")


def case_input_18_bytes_behind_a_valid_body(broker):
    with broker.connect() as connection:
        check(decode("Metadata", 12, connection.ask(request("Metadata", 12, {"topics": []}) + b"\xff" * 100))["brokers"], "ignored")


def case_input_19_null_client_id(broker):
    check(broker.ask("Metadata", 12, {"topics": []}, client_id=None)["brokers"], "served")


def case_input_20_a_thousand_pipelined_requests(broker):
    topic = broker.topic()
    bodies = (("Produce", 9, produce_body(topic, batch("@ (k,v)"))), ("Metadata", 12, {"topics": []}), ("Fetch", 12, fetch_body(topic)))
    out = b"".join(framed(request(*bodies[index % 3], correlation=index)) for index in range(1000))
    with broker.connect() as connection:  # not before: it would be idle meanwhile
        connection.send(out)
        for index in range(1000):
            equal(struct.unpack_from(">i", connection.read_frame())[0], index, "the correlation id")


def case_input_21_controller_apis_on_the_client_listener(broker):
    for key in (58, 52, 62):  # Envelope, Vote, BrokerRegistration
        broker.closes(framed(header(key, 0) + bytes(32)))
        broker.closes(framed(header(key, 0, tags=b"\0") + bytes(32)))


def case_the_controller_listener_closes_what_it_cannot_read(broker):
    if broker.controller is None:
        raise Skip("the controller's address is not known")
    bad = [struct.pack(">i", -1), bytes(4), struct.pack(">i", 2**31 - 1), b"GET / HTTP/1.1\r\n\r\n", framed(header(999, 0)),
           framed(header(60, 99)), framed(header(60, 0)), framed(request("Produce", 9, produce_body("t", batch("@ (a,1)")))),
           framed(request("Metadata", 12, {"topics": []})), framed(header(55, 0, tags=b"\0") + b"\xff\xff\xff\xff\x0f")]
    for content in bad:
        with Connection(broker.controller) as connection:
            connection.send(content)
            check(connection.is_closed_unanswered(), f"{content[:24].hex()}... was answered, or left waiting")
    with Connection(broker.controller) as connection:
        answer = decode("ApiVersions", 0, connection.ask(request("ApiVersions", 0)))
        equal(answer["errorCode"], NONE, "ApiVersions after them")


# Produce


def case_input_39_acks_that_are_none(broker):
    topic = broker.topic()
    for acks in (2, -2, 32767):
        broker.refuses(topic, batch("@ (k,v)"), INVALID_REQUIRED_ACKS, acks=acks)


def case_input_40_acks_0_with_an_error(broker):
    topic = broker.topic()
    for name, text in ((topic, "@ (k,v) crc=bad"), ("bad-absent", "@ (k,v)"), (topic, "@ (k,v) count=7")):
        broker.closes(framed(request("Produce", 9, produce_body(name, batch(text), acks=0))))
    equal(broker.end_offset(topic), 0, "the end offset")


def case_input_41_unknown_topic_or_partition(broker):
    topic = broker.topic()
    equal(broker.produce("bad-absent", batch("@ (k,v)"))["errorCode"], UNKNOWN_TOPIC_OR_PARTITION, "an unknown topic")
    for partition in (7, -1, -(2**31), 2**31 - 1):
        answer = broker.produce(topic, batch("@ (k,v)"), partition=partition)
        equal(answer["errorCode"], UNKNOWN_TOPIC_OR_PARTITION, f"partition {partition}")


def case_input_42_wrong_crc(broker):
    broker.refuses(broker.topic(), batch("@ (k,v) crc=bad"), CORRUPT_MESSAGE)


def case_input_43_batch_length_or_magic_that_is_none(broker):
    topic = broker.topic()
    for text in ("@ (k,v) length=13", "@ (k,v) length=0", "@ (k,v) length=-1", "@ (k,v) length=-2147483648", "@ (k,v) magic=3",
                 "@ (k,v) magic=-1"):
        broker.refuses(topic, batch(text), CORRUPT_MESSAGE, INVALID_RECORD)


def case_input_44_old_magic(broker):
    topic = broker.topic()
    for magic in (0, 1):
        broker.refuses(topic, batch(f"@ (k,v) magic={magic}"), INVALID_RECORD, CORRUPT_MESSAGE)


def case_input_45_two_batches_none_or_one_that_is_cut(broker):
    topic = broker.topic()
    broker.refuses(topic, batch("@ (a,1) @ (b,2)"), INVALID_RECORD)
    broker.refuses(topic, b"", INVALID_RECORD)
    broker.refuses(topic, batch("@ (a,1) cut=1"), INVALID_RECORD)
    broker.refuses(topic, batch("@ (a,1)")[:60], INVALID_RECORD, CORRUPT_MESSAGE)
    if not broker.is_apache:  # which never answers
        broker.refuses(topic, None, INVALID_RECORD)
    equal(broker.produce(topic, batch("@ (a,1) after=0000"))["errorCode"], NONE, "a trailing part is trimmed")


def case_input_46_base_offset_that_is_not_0(broker):
    topic = broker.topic()
    for base in (1, -1, 2**62):
        broker.refuses(topic, batch(f"@ (k,v) base={base}"), INVALID_RECORD)


def case_input_47_record_count_and_last_delta_that_disagree(broker):
    topic = broker.topic()
    for words in ("count=0", "count=-1", "count=-2147483648", "count=2147483647", "count=2", "lastdelta=5", "lastdelta=-1",
                  "count=0 lastdelta=-1", "lastdelta=2147483647 count=-2147483648"):
        broker.refuses(topic, batch(f"@ (k,v) {words}"), INVALID_RECORD)


def case_input_48_fewer_records_than_declared_or_bytes_left_over(broker):
    topic = broker.topic()
    broker.refuses(topic, batch("@ (k,v) count=2 lastdelta=1"), INVALID_RECORD)
    broker.refuses(topic, batch("@ (k,v) tail=000102"), INVALID_RECORD)
    broker.refuses(topic, batch("@ codec=gzip (k,v) count=2 lastdelta=1"), INVALID_RECORD)


def case_input_49_record_or_header_sizes_beyond_the_buffer(broker):
    topic = broker.topic()
    varint, start = wire.batch_text._varint, bytes(3)  # attributes, timestamp delta, offset delta
    lengths = [varint(size) for size in (-1, 0, 1, 2**31 - 1, -(2**31))]
    fields = [
        start + varint(60) + b"k",  # a key beyond the record
        start + varint(-2) + b"k" + varint(1) + b"v" + varint(0),
        start + varint(1) + b"k" + varint(60) + b"v",  # a value beyond it
        start + varint(1) + b"k" + varint(2**31 - 1) + b"v",
        start + varint(1) + b"k" + varint(1) + b"v" + varint(-1),  # header counts
        start + varint(1) + b"k" + varint(1) + b"v" + varint(2**31 - 1),
        start + varint(1) + b"k" + varint(1) + b"v" + varint(1) + varint(-1) + varint(0),  # a header without a key
        start + varint(1) + b"k" + varint(1) + b"v" + varint(1) + varint(1) + b"h" + varint(50),
        start + varint(1) + b"k" + varint(1) + b"v" + varint(0) + b"more",
    ]
    for body in lengths + [varint(len(record)) + record for record in fields]:
        broker.refuses(topic, batch(f"@ body={body.hex()} count=1 lastdelta=0"), INVALID_RECORD, CORRUPT_MESSAGE)


def case_input_50_control_bit_from_a_client(broker):
    broker.refuses(broker.topic(), batch("@ (k,v) control"), INVALID_RECORD)


def case_input_51_producer_id_without_a_sequence(broker):
    topic = broker.topic()
    for seq in (-1, -7):
        broker.refuses(topic, batch(f"@ (k,v) pid=5 pepoch=0 seq={seq}"), INVALID_RECORD)


def case_input_52_compression_that_is_none(broker):
    topic = broker.topic()
    for codec in (5, 6, 7):
        broker.refuses(topic, batch(f"@ (k,v) codec={codec}"), UNKNOWN_SERVER_ERROR, INVALID_RECORD)


def case_input_53_broken_compressed_stream(broker):
    topic = broker.topic()
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        for body in ("00", "deadbeefdeadbeefdeadbeef", "1f8b0800", "82534e41505059000000000100000001", "04224d18", "28b52ffd"):
            broker.refuses(topic, batch(f"@ codec={codec} body={body} count=1 lastdelta=0"), UNKNOWN_SERVER_ERROR,
                           INVALID_RECORD, CORRUPT_MESSAGE)


def case_input_54_batch_that_inflates_beyond_reason(broker):
    if broker.is_apache:
        raise Skip("Apache Kafka has no such limit")
    topic = broker.topic()
    value = 200 * 1000 * 1000
    size = wire.batch_text._varint(value)
    record = b"\0\0\0\1" + size + bytes(value) + b"\0"
    body = gzip.compress(wire.batch_text._varint(len(record)) + record, compresslevel=6, mtime=0)
    before = broker.reset_peak_memory() if broker.pid else 0
    broker.refuses(topic, batch(f"@ codec=gzip body={body.hex()} count=1 lastdelta=0"), INVALID_RECORD)
    if broker.pid:
        broker.check_growth(before, 64 * MIB, "the batch")


def case_input_55_zstd_before_produce_v7(broker):
    topic = broker.topic()
    broker.refuses(topic, batch("@ codec=zstd (k,v)"), UNSUPPORTED_COMPRESSION_TYPE, version=3)
    broker.refuses(topic, batch("@ codec=zstd (k,v)"), UNSUPPORTED_COMPRESSION_TYPE, version=6)
    equal(broker.produce(topic, batch("@ codec=zstd (k,v)"), version=7)["errorCode"], NONE, "from v7 on")


def case_input_56_batch_above_max_message_or_segment_bytes(broker):
    broker.refuses(broker.topic({"max.message.bytes": "1000"}), batch("@ n=1 size=2000"), MESSAGE_TOO_LARGE)
    large = broker.topic({"max.message.bytes": "5000000", "segment.bytes": "1048576"})
    broker.refuses(large, batch("@ n=1 size=1100000"), RECORD_LIST_TOO_LARGE)


def case_input_57_null_key_on_a_compacted_topic(broker):
    answer = broker.refuses(broker.topic({"cleanup.policy": "compact"}), batch("@ (a,1) (-,2)"), INVALID_RECORD)
    equal([one["batchIndex"] for one in answer["recordErrors"]], [1], "the records named")


def case_input_58_timestamps(broker):
    limited = broker.topic({"message.timestamp.before.max.ms": "1000"})
    broker.refuses(limited, batch("@ (k,v)"), INVALID_TIMESTAMP)
    future = int(time.time() * 1000) + 7_200_000
    broker.refuses(broker.topic(), batch(f"@ (k,v,ts={future})"), INVALID_TIMESTAMP)
    topic = broker.topic()
    for words in ("logappend", "max=99", f"max={2**62}", "codec=gzip logappend"):
        equal(broker.produce(topic, batch(f"@ (k,v) {words}"))["errorCode"], NONE, f"{words} is corrected")


def case_input_59_produce_to_an_internal_topic(broker):
    for name in ("__consumer_offsets", "__transaction_state"):
        code = broker.produce(name, batch("@ (k,v)"))["errorCode"]
        check(code in (INVALID_TOPIC, UNKNOWN_TOPIC_OR_PARTITION), f"{name}: {code}")


def producer_id(broker) -> int:
    body = {"transactionalId": None, "transactionTimeoutMs": 60000, "producerId": -1, "producerEpoch": -1}
    deadline = time.monotonic() + 10
    while True:
        answer = broker.ask("InitProducerId", 4, body)
        if answer["errorCode"] != COORDINATOR_LOAD_IN_PROGRESS or time.monotonic() > deadline:
            equal(answer["errorCode"], NONE, "InitProducerId")
            return answer["producerId"]
        time.sleep(0.05)


def case_input_62_sequence_gap_and_old_duplicate(broker):
    topic, pid = broker.topic(), producer_id(broker)
    for seq in range(8):
        equal(broker.produce(topic, batch(f"@ (k,v) pid={pid} pepoch=0 seq={seq}"))["errorCode"], NONE, f"sequence {seq}")
    broker.refuses(topic, batch(f"@ (k,v) pid={pid} pepoch=0 seq=20"), OUT_OF_ORDER_SEQUENCE)
    broker.refuses(topic, batch(f"@ (k,v) pid={pid} pepoch=0 seq=1"), OUT_OF_ORDER_SEQUENCE)


def case_input_63_exact_duplicate(broker):
    topic, pid = broker.topic(), producer_id(broker)
    for seq in range(5):
        broker.produce(topic, batch(f"@ (k,v) pid={pid} pepoch=0 seq={seq}"))
    for seq in range(5):
        answer = broker.produce(topic, batch(f"@ (k,v) pid={pid} pepoch=0 seq={seq}"))
        equal((answer["errorCode"], answer["baseOffset"]), (NONE, seq), "a duplicate")
    equal(broker.end_offset(topic), 5, "the end offset")


def case_input_64_lower_producer_epoch(broker):
    topic, pid = broker.topic(), producer_id(broker)
    equal(broker.produce(topic, batch(f"@ (k,v) pid={pid} pepoch=3 seq=0"))["errorCode"], NONE, "epoch 3")
    broker.refuses(topic, batch(f"@ (k,v) pid={pid} pepoch=2 seq=1"), INVALID_PRODUCER_EPOCH)


def case_input_65_new_epoch_not_at_sequence_0(broker):
    topic, pid = broker.topic(), producer_id(broker)
    equal(broker.produce(topic, batch(f"@ (k,v) pid={pid} pepoch=0 seq=0"))["errorCode"], NONE, "epoch 0")
    broker.refuses(topic, batch(f"@ (k,v) pid={pid} pepoch=1 seq=1"), OUT_OF_ORDER_SEQUENCE)


def case_input_66_transactional_batch_without_a_transactional_id(broker):
    topic, pid = broker.topic(), producer_id(broker)
    broker.refuses(topic, batch(f"@ (k,v) transactional pid={pid} pepoch=0 seq=0"), TRANSACTIONAL_ID_AUTHORIZATION_FAILED)


def case_input_70_init_producer_id(broker):
    answer = broker.ask("InitProducerId", 4, {"transactionalId": "", "transactionTimeoutMs": 60000, "producerId": -1,
                                              "producerEpoch": -1})
    equal(answer["errorCode"], INVALID_REQUEST, "an empty transactional id")
    for pid, epoch in ((5, -1), (-1, 5)):
        answer = broker.ask("InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 60000, "producerId": pid,
                                                  "producerEpoch": epoch})
        equal(answer["errorCode"], INVALID_REQUEST, f"producer id {pid} with epoch {epoch}")


# Fetch and offsets


def case_input_75_fetch_as_a_replica_that_is_none(broker):
    topic = broker.topic()
    broker.produce(topic, batch("@ (k,v)"))
    for replica in (2, 2**31 - 1):
        code = only_partition(broker.ask("Fetch", 12, fetch_body(topic, replicaId=replica)))["errorCode"]
        check(code in (UNKNOWN_LEADER_EPOCH, 6), f"replica {replica}: {code}")


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
    topic = broker.topic()
    epoch = broker.metadata(topic)["partitions"][0]["leaderEpoch"]
    newer = only_partition(broker.ask("Fetch", 12, fetch_body(topic, currentLeaderEpoch=epoch + 5)))["errorCode"]
    equal(newer, UNKNOWN_LEADER_EPOCH, "a newer epoch")
    if epoch > 0:
        older = only_partition(broker.ask("Fetch", 12, fetch_body(topic, currentLeaderEpoch=epoch - 1)))["errorCode"]
        equal(older, FENCED_LEADER_EPOCH, "an older epoch")


def case_input_80_fetch_that_asks_for_everything_and_waits_for_ever(broker):
    topic = broker.topic()
    most = 2**31 - 1
    body = fetch_body(topic, maxWaitMs=most, minBytes=most, maxBytes=most)
    waiting = []
    for _ in range(200):
        connection = broker.connect()
        connection.send(framed(request("Fetch", 12, body)))
        waiting.append(connection)
    broker.still_serves()
    broker.produce(topic, batch("@ (k,v)"))
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


# Topics and configuration


def create(broker, version: int = 7, **topic) -> int:
    whole = {"name": "bad-create", "numPartitions": 1, "replicationFactor": 1, "assignments": [], "configs": [], **topic}
    body = {"topics": [whole], "timeoutMs": 5000, "validateOnly": False}
    return broker.ask("CreateTopics", version, body)["topics"][0]["errorCode"]


def case_input_91_create_topics_with_names_that_are_none(broker):
    for name in ("", ".", "..", "x" * 250, "a/b", "../../etc", "a\0b", "caf\u00e9", "a b", "a:b"):
        equal(create(broker, name=name), INVALID_TOPIC, f"the name {name[:20]!r}")
    equal(create(broker, name="bad.clash_1"), NONE, "the first of two that clash")
    equal(create(broker, name="bad_clash.1"), INVALID_TOPIC, "the second of two that clash")


def case_input_92_create_topics_with_counts_that_are_none(broker):
    for factor in (0, 2, -2, 32767):
        equal(create(broker, replicationFactor=factor), INVALID_REPLICATION_FACTOR, f"replication factor {factor}")
    for partitions in (0, -2, -(2**31)):
        equal(create(broker, numPartitions=partitions), INVALID_PARTITIONS, f"{partitions} partitions")
    both = create(broker, assignments=[{"partitionIndex": 0, "brokerIds": [1]}])
    equal(both, INVALID_REQUEST, "an assignment beside counts")
    one = {"name": "bad-twice", "numPartitions": 1, "replicationFactor": 1, "assignments": [], "configs": []}
    answer = broker.ask("CreateTopics", 7, {"topics": [one, one], "timeoutMs": 5000, "validateOnly": False})
    equal([topic["errorCode"] for topic in answer["topics"]], [INVALID_REQUEST], "one name twice")
    check(create(broker, name="__cluster_metadata") in (INVALID_REQUEST, INVALID_TOPIC), "the metadata topic")


def case_input_93_create_topics_with_assignments_that_are_none(broker):
    def assigned(*assignments) -> int:
        rows = [{"partitionIndex": index, "brokerIds": brokers} for index, brokers in assignments]
        return create(broker, numPartitions=-1, replicationFactor=-1, assignments=rows)

    for rows in (((0, [1, 1]),), ((0, [99]),), ((0, []),), ((0, [1]), (2, [1])), ((-1, [1]),), ((5, [1]),)):
        equal(assigned(*rows), INVALID_REPLICA_ASSIGNMENT, f"the assignment {rows}")


def case_input_94_an_admin_request_of_too_many_records(broker):
    check(create(broker, numPartitions=20_000) in (POLICY_VIOLATION, INVALID_PARTITIONS), "20,000 partitions")
    check(create(broker, numPartitions=2**31 - 1) in (POLICY_VIOLATION, INVALID_PARTITIONS), "2^31-1 partitions")
    equal(broker.metadata("bad-create")["errorCode"], UNKNOWN_TOPIC_OR_PARTITION, "the topic")


def case_input_95_delete_topics_by_name_and_id(broker):
    topic = broker.topic()
    body = {"topics": [{"name": topic, "topicId": "AAAAAAAAAAAAAAAAAAAAAQ"}], "timeoutMs": 5000}
    equal(broker.ask("DeleteTopics", 6, body)["responses"][0]["errorCode"], INVALID_REQUEST, "both")
    body = {"topics": [{"name": None, "topicId": "AAAAAAAAAAAAAAAAAAAAAQ"}], "timeoutMs": 5000}
    answer = broker.ask("DeleteTopics", 6, body)["responses"][0]
    equal((answer["errorCode"], answer["name"]), (UNKNOWN_TOPIC_ID, None), "an unknown id")
    equal(broker.metadata(topic)["errorCode"], NONE, "the topic is still there")


def alter(broker, *configs, resource_type: int = 2, name: str | None = None) -> int:
    rows = [{"name": key, "configOperation": operation, "value": value} for key, operation, value in configs]
    body = {"resources": [{"resourceType": resource_type, "resourceName": name or broker.topic(), "configs": rows}],
            "validateOnly": False}
    return broker.ask("IncrementalAlterConfigs", 1, body)["responses"][0]["errorCode"]


def case_input_96_incremental_alter_configs(broker):
    for config in (("retention.ms", 0, "soon"), ("no.such.key", 0, "1"), ("retention.ms", 2, "5"), ("retention.ms", 3, "5"),
                   ("cleanup.policy", 0, "keep"), ("segment.bytes", 0, "1"), ("retention.ms", 0, "9" * 40)):
        equal(alter(broker, config), INVALID_CONFIG, f"{config}")
    equal(alter(broker, ("retention.ms", 0, None)), INVALID_REQUEST, "a null value")
    equal(alter(broker, ("retention.ms", 0, "1"), ("retention.ms", 0, "2")), INVALID_REQUEST, "one key twice")
    unknown = alter(broker, ("retention.ms", 9, "1"))
    check(unknown in (INVALID_REQUEST, INVALID_CONFIG, UNKNOWN_SERVER_ERROR), f"an unknown operation: {unknown}")
    equal(alter(broker, ("retention.ms", 0, "1"), resource_type=77, name="x"), INVALID_REQUEST, "an unknown resource type")


def alter_quota(broker, entity: dict, *operations: tuple[str, float]) -> int:
    entry = {"entity": [{"entityType": kind, "entityName": name} for kind, name in entity.items()],
             "ops": [{"key": key, "value": value, "remove": False} for key, value in operations]}
    return broker.ask("AlterClientQuotas", 1, {"entries": [entry], "validateOnly": False})["entries"][0]["errorCode"]


def case_input_100_alter_client_quotas(broker):
    user, ip = {"user": "bad-user"}, {"ip": "192.0.2.100"}
    for entity, key, value in ((user, "no.such.key", 1), (user, "connection_creation_rate", 1), (ip, "producer_byte_rate", 1),
                               (user, "producer_byte_rate", 0), (user, "request_percentage", -1), (user, "consumer_byte_rate", 1.5),
                               (user, "consumer_byte_rate", 1e19), (user, "request_percentage", -math.inf),
                               (user, "producer_byte_rate", math.inf), (ip, "connection_creation_rate", 2**31)):
        equal(alter_quota(broker, entity, (key, value)), INVALID_REQUEST, f"{entity} {key} {value}")
    if not broker.is_apache:  # Kafka's checks let it pass
        equal(alter_quota(broker, user, ("request_percentage", math.nan)), INVALID_REQUEST, "NaN")
    for entity in ({}, {"group": "g"}, {"user": ""}, {**user, **ip}, {"ip": "1.2.3.4.5"}):
        equal(alter_quota(broker, entity, ("producer_byte_rate", 1)), INVALID_REQUEST, f"{entity}")
    equal(alter_quota(broker, user, ("producer_byte_rate", 1), ("producer_byte_rate", 2)), INVALID_REQUEST, "one key twice")
    many = {"entries": [{"entity": [{"entityType": "user", "entityName": f"u{index}"}],
                         "ops": [{"key": "producer_byte_rate", "value": 1, "remove": False}]} for index in range(10_001)]}
    codes = {one["errorCode"] for one in broker.ask("AlterClientQuotas", 1, many)["entries"]}
    check(codes <= {POLICY_VIOLATION, UNKNOWN_SERVER_ERROR}, f"more changes than fit one batch: {codes}")
    equal(broker.ask("DescribeClientQuotas", 1, {"components": [{"entityType": "user", "matchType": 2, "match": None}]})["entries"],
          [], "what is set")


def case_describe_configs_of_an_unknown_resource(broker):
    for resource_type, name in ((77, "x"), (0, ""), (2, "bad-absent"), (2, "a/b"), (4, "x"), (-128, "x")):
        body = {"resources": [{"resourceType": resource_type, "resourceName": name, "configurationKeys": None}]}
        code = broker.ask("DescribeConfigs", 4, body)["results"][0]["errorCode"]
        check(code != NONE, f"{resource_type} {name!r} was answered without an error")


def case_describe_configs_of_one_topic_again_and_again(broker):
    topic = broker.topic()
    asked = {"resourceType": 2, "resourceName": topic, "configurationKeys": None}
    body = {"resources": [asked] * 60_000, "includeSynonyms": True}
    if broker.pid is None or broker.is_apache:
        raise Skip("memory is measured of a Moldau of our own; Kafka describes as often as it is asked")
    before = broker.reset_peak_memory()
    with broker.connect() as connection:
        answer = connection.ask(request("DescribeConfigs", 1, body))
    check(len(answer) < 40 * MIB, f"the answer has {len(answer)} bytes")
    broker.check_growth(before, 300 * MIB, "the answer")


def case_offset_for_leader_epoch_of_anything(broker):
    topic = broker.topic()
    for epoch in (-1, -(2**31), 2**31 - 1, 0):
        body = {"replicaId": -1, "topics": [{"topic": topic, "partitions": [{"partition": 0, "currentLeaderEpoch": -1,
                                                                             "leaderEpoch": epoch}]}]}
        broker.ask("OffsetForLeaderEpoch", 4, body)


def main() -> int:
    arguments = harness.arguments_of(__doc__.splitlines()[0])
    harness.SETTINGS.update(SETTINGS)
    with harness.broker_of(arguments) as running:
        broker = Broker(running)

        def and_still_serves(case):
            def run(_):
                case(broker)
                broker.still_serves()

            run.__name__ = case.__name__
            return run

        return 1 if harness.run_cases([and_still_serves(case) for case in harness.cases_of(globals())], running) else 0


if __name__ == "__main__":
    sys.exit(main())

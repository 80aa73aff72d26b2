"""Bad frames, headers and bodies of requests."""

import struct
import time

import wire
from codes import INVALID_REQUEST, INVALID_TOPIC, UNKNOWN_TOPIC_OR_PARTITION, UNSUPPORTED_VERSION
from harness import Skip, check, equal
from under_test import IDLE_MS, MIB, NONE, decode, fetch_body, produce_body
from wire import Closed, Connection, batch, framed, header, request


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
    for api in broker.ask("ApiVersions", 0)["apiKeys"]:
        if api["apiKey"] != wire.api("ApiVersions"):
            for version in (api["minVersion"] - 1, api["maxVersion"] + 1):
                broker.closes(framed(header(api["apiKey"], version, tags=b"\0") + bytes(64)))


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
        if not broker.is_apache:
            check(decode("Metadata", 12, connection.ask(header(3, 12, tags=tags(1000)) + body))["brokers"], "a thousand, too")
    if not broker.is_apache:  # which serves a million of them
        broker.closes(framed(header(3, 12, tags=tags(1001)) + body))
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

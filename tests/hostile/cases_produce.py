"""Bad batches, and producers that are not who they say."""

import gzip
import time

import wire
from codes import (
    COORDINATOR_LOAD_IN_PROGRESS,
    CORRUPT_MESSAGE,
    INVALID_PRODUCER_EPOCH,
    INVALID_RECORD,
    INVALID_REQUEST,
    INVALID_REQUIRED_ACKS,
    INVALID_TIMESTAMP,
    INVALID_TOPIC,
    MESSAGE_TOO_LARGE,
    OUT_OF_ORDER_SEQUENCE,
    RECORD_LIST_TOO_LARGE,
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    UNKNOWN_SERVER_ERROR,
    UNKNOWN_TOPIC_OR_PARTITION,
    UNSUPPORTED_COMPRESSION_TYPE,
)
from harness import Skip, check, equal
from under_test import MIB, NONE, produce_body
from wire import batch, framed, request


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
        broker.refuses(topic, batch(text), CORRUPT_MESSAGE)


def case_input_44_old_magic(broker):
    topic = broker.topic()
    for magic in (0, 1):
        broker.refuses(topic, batch(f"@ (k,v) magic={magic}"), INVALID_RECORD)


def case_input_45_two_batches_none_or_one_that_is_cut(broker):
    topic = broker.topic()
    broker.refuses(topic, batch("@ (a,1) @ (b,2)"), INVALID_RECORD)
    broker.refuses(topic, b"", INVALID_RECORD)
    broker.refuses(topic, batch("@ (a,1) cut=1"), INVALID_RECORD)
    broker.refuses(topic, batch("@ (a,1)")[:60], INVALID_RECORD)
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
        broker.refuses(topic, batch(f"@ body={body.hex()} count=1 lastdelta=0"), INVALID_RECORD)


def case_input_50_control_bit_from_a_client(broker):
    broker.refuses(broker.topic(), batch("@ (k,v) control"), INVALID_RECORD)


def case_input_51_producer_id_without_a_sequence(broker):
    topic = broker.topic()
    for seq in (-1, -7):
        broker.refuses(topic, batch(f"@ (k,v) pid=5 pepoch=0 seq={seq}"), INVALID_RECORD)


def case_input_52_compression_that_is_none(broker):
    topic = broker.topic()
    for codec in (5, 6, 7):
        broker.refuses(topic, batch(f"@ (k,v) codec={codec}"), UNKNOWN_SERVER_ERROR)


def case_input_53_broken_compressed_stream(broker):
    topic = broker.topic()
    header_alone = "82534e41505059000000000100000001"  # of xerial's framing of snappy
    bodies = ("00", "deadbeefdeadbeefdeadbeef", "1f8b0800", header_alone, "04224d18", "28b52ffd")
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        for body in bodies:
            is_empty_snappy = codec == "snappy" and body in ("00", header_alone)  # which is no error of the codec's
            broker.refuses(topic, batch(f"@ codec={codec} body={body} count=1 lastdelta=0"),
                           INVALID_RECORD if is_empty_snappy else UNKNOWN_SERVER_ERROR)


def case_input_54_batch_that_inflates_beyond_reason(broker):
    topic = broker.topic()
    value = 200 * 1000 * 1000
    size = wire.batch_text._varint(value)
    record = b"\0\0\0\1" + size + bytes(value) + b"\0"
    body = gzip.compress(wire.batch_text._varint(len(record)) + record, compresslevel=6, mtime=0)
    bomb = batch(f"@ codec=gzip body={body.hex()} count=1 lastdelta=0")
    if broker.is_apache:  # which has no such limit
        equal(broker.produce(topic, bomb)["errorCode"], NONE, "the batch")
        return
    before = broker.reset_peak_memory() if broker.pid else 0
    broker.refuses(topic, bomb, INVALID_RECORD)
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
    equal(broker.produce("__transaction_state", batch("@ (k,v)"))["errorCode"], UNKNOWN_TOPIC_OR_PARTITION, "one that is not there")
    name = broker.internal_topic()
    for client in ("hostile", "", "__admin_client2", "admin_client", None):
        equal(broker.produce(name, batch("@ (k,v)"), client_id=client)["errorCode"], INVALID_TOPIC, f"client {client!r}")
    equal(broker.end_offset(name), 0, "the end offset")
    equal(broker.produce(name, batch("@ (k,v)"), client_id="__admin_client")["errorCode"], NONE, "the client that may")


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

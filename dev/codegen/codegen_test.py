#!/usr/bin/env python3
"""Tests of the schema reader and the generator. Run: python3 dev/codegen/codegen_test.py"""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import cpp_messages  # noqa: E402
import generate  # noqa: E402
from cpp_types import needs_default_test, version_test  # noqa: E402
from json_schema import parse_json_schema, strip_comments  # noqa: E402
from layout import place_of  # noqa: E402
from model import Field, SchemaError, Type, Versions, canonical, snake  # noqa: E402
from schema_text import format_messages, load_messages, parse_messages  # noqa: E402
from tables import load_errors, parse_configs  # noqa: E402

SCHEMA = Path(__file__).resolve().parents[2] / "schema"

PING = """\
# A made-up API.
api 7 listeners broker controller

request PingRequest versions 1-3 flexible 3+
  Name    string? 2+ = null ignorable @topicName
  Count   int32   = -1
  Parts   []Part
    Index int32 key
    Note  string? 2+
  Extra   Extra   3+ tag 0
    Level int8 3+ = 4

response PingResponse versions 1-3 flexible 3+
  Ids []uuid
"""


def parse(text: str):
    return parse_messages("messages/ping.schema", text)


class VersionsTest(unittest.TestCase):
    def test_reads_all_forms(self):
        self.assertEqual(str(Versions.parse("3+")), "3+")
        self.assertEqual(str(Versions.parse("0-2")), "0-2")
        self.assertEqual(str(Versions.parse("5")), "5")
        self.assertTrue(Versions.parse("none").empty)
        for bad in ("", "+", "3-1", "a", "1-"):
            with self.assertRaises(SchemaError):
                Versions.parse(bad)

    def test_intersects(self):
        self.assertEqual(str(Versions.parse("0-5").intersect(Versions.parse("3+"))), "3-5")
        self.assertTrue(Versions.parse("0-2").intersect(Versions.parse("3+")).empty)

    def test_becomes_the_shortest_test_in_cpp(self):
        possible = Versions.parse("3-13")
        self.assertEqual(version_test(Versions.parse("0+"), possible), "true")
        self.assertEqual(version_test(Versions.parse("0-2"), possible), "false")
        self.assertEqual(version_test(Versions.parse("9+"), possible), "v >= 9")
        self.assertEqual(version_test(Versions.parse("0-12"), possible), "v <= 12")
        self.assertEqual(version_test(Versions.parse("5-7"), possible), "v >= 5 && v <= 7")


class NamesTest(unittest.TestCase):
    def test_snake_case_takes_a_run_of_capitals_as_one_word(self):
        self.assertEqual(snake("HighWatermark"), "high_watermark")
        self.assertEqual(snake("KRaftVersionFeature"), "kraft_version_feature")
        self.assertEqual(snake("Isr"), "isr")


class TextTest(unittest.TestCase):
    def test_reads_a_request_and_its_response(self):
        request, response = parse(PING)
        self.assertEqual((request.kind, request.key, request.listeners), ("request", 7, ("broker", "controller")))
        name, count, parts, extra = request.fields
        self.assertEqual(str(name.nullable), "2+")
        self.assertEqual((name.default, name.ignorable, name.entity), ("null", True, "topicName"))
        self.assertEqual(count.default, "-1")
        self.assertTrue(parts.fields[0].map_key)
        self.assertEqual((extra.tag, str(extra.tagged)), (0, "3+"))
        self.assertEqual(str(response.fields[0].type), "[]uuid")

    def test_writing_gives_the_same_messages_back(self):
        for path in sorted(SCHEMA.glob("messages/*.schema")) + sorted(SCHEMA.glob("records/*/*.schema")):
            messages = parse_messages(path.name, path.read_text())
            again = parse_messages(path.name, format_messages(messages))
            self.assertEqual([canonical(m) for m in messages], [canonical(m) for m in again], path)

    def test_the_whole_schema_has_281_structures(self):
        messages = load_messages(SCHEMA)
        self.assertEqual(len(messages), 281)
        self.assertEqual(sum(m.versions.empty for m in messages), 8)

    def refuse(self, text: str, expected: str):
        with self.assertRaises(SchemaError) as caught:
            parse(text)
        self.assertIn(expected, str(caught.exception))

    def test_says_file_and_line(self):
        self.refuse(PING.replace("Count   int32   = -1", "Count int32 wrong"), "messages/ping.schema:6: unexpected `wrong`")

    def test_refuses_what_contradicts_itself(self):
        self.refuse(PING.replace("tag 0", "tag 0 1+"), "within the field's")
        self.refuse(PING.replace("flexible 3+\n  Name", "\n  Name"), "not flexible")
        self.refuse(PING.replace("Count   int32   = -1", "Count int8 = 200"), "default 200")
        self.refuse(PING.replace("Count   int32   = -1", "Count int32?"), "cannot be null")
        self.refuse(PING.replace("Name    string? 2+ = null", "Name string?2+ = null"), "not nullable in all")
        self.refuse(PING.replace("[]uuid", "[]Nothing"), "unknown type Nothing")
        self.refuse(PING.replace("Note ", "Index"), "declared twice")
        self.refuse(PING.replace("@topicName", "@brokerId"), "does not fit")
        self.refuse(PING.replace("    Index int32 key", "      Index int32 key"), "indented too far")
        self.refuse("request PingRequest versions 0\n", "needs `api`")


class JsonTest(unittest.TestCase):
    def test_comments_are_removed_but_not_from_strings(self):
        self.assertEqual(strip_comments('{"a": "//x", // gone\n"b": /* gone */ 1}'), '{"a": "//x", \n"b":  1}')

    def test_reads_defaults_as_kafkas_generator_does(self):
        def default(type_name: str, value: str) -> str:
            text = '{"type": "data", "name": "X", "validVersions": "0", "fields": [{"name": "F", "type": "%s", "versions": "0+", "default": %s}]}'
            return parse_json_schema("X.json", text % (type_name, value)).fields[0].default

        self.assertEqual(default("int32", '"0x7fffffff"'), "2147483647")
        self.assertEqual(default("int32", "0"), "")
        self.assertEqual(default("int64", "-1"), "-1")
        self.assertEqual(default("bool", "false"), "")
        self.assertEqual(default("string", '"null"'), "null")
        self.assertEqual(default("string", "null"), "")

    def test_refuses_keys_it_does_not_know(self):
        with self.assertRaises(SchemaError):
            parse_json_schema("X.json", '{"type": "data", "name": "X", "validVersions": "0", "color": "red"}')


class CodeTest(unittest.TestCase):
    def setUp(self):
        self.request, self.response = parse(PING)
        self.place = place_of(self.request)
        self.header = cpp_messages.header(self.request, self.place)
        self.source = cpp_messages.source(self.request, self.place)

    def test_members_have_kafkas_names_types_and_defaults(self):
        self.assertIn("std::optional<std::string_view> name;  // versions 2+\n", self.header)
        self.assertIn("std::int32_t count = -1;\n", self.header)
        self.assertIn("std::vector<Part> parts;\n", self.header)
        self.assertIn('std::optional<std::string_view> note{""};  // versions 2+\n', self.header)
        self.assertIn("static constexpr std::int16_t kFlexibleVersion = 3;\n", self.header)
        self.assertIn("using Response = PingResponse;\n", self.header)

    def test_decode_follows_versions(self):
        self.assertIn("  if (v >= 2) {\n    out.name = r.nullable_string(flexible);\n  }\n", self.source)
        self.assertIn("  out.count = r.int32();\n", self.source)

    def test_encode_refuses_a_field_that_the_version_lacks_unless_it_is_ignorable(self):
        self.assertIn("MOLDAU_ASSERT(v >= 3 || is_default(in.extra), v);", self.source)
        self.assertIn('MOLDAU_ASSERT(v >= 2 || (in.note && in.note->empty()), v);', self.source)
        self.assertNotIn("in.name.has_value(), v", self.source)

    def test_a_tagged_structure_is_compared_with_its_default(self):
        self.assertEqual(needs_default_test(self.request), {"Extra"})

    def test_records_own_their_strings(self):
        text = "data Thing versions 0 flexible 0+\n  Name string\n  Blob bytes?\n"
        thing = parse_messages("records/raft/thing.schema", text)[0]
        header = cpp_messages.header(thing, place_of(thing))
        self.assertIn("std::string name;", header)
        self.assertIn("std::optional<ByteVector> blob{std::in_place};", header)
        self.assertIn("friend bool operator==(const Thing&, const Thing&) = default;", header)

    def test_an_unknown_tag_below_a_known_one_is_written_before_it(self):
        text = "data Thing versions 0 flexible 0+\n  A int8 tag 2\n  B int8 tag 3\n"
        thing = parse_messages("records/raft/thing.schema", text)[0]
        source = cpp_messages.source(thing, place_of(thing))
        before = source.index("w.unknown_tags(in.unknown_tagged_fields, 0, 2);")
        self.assertLess(before, source.index("w.begin_tagged_field(2)"))
        self.assertIn("w.unknown_tags(in.unknown_tagged_fields, 4);", source)


class GenerateTest(unittest.TestCase):
    def test_is_deterministic(self):
        self.assertEqual(generate.generate(SCHEMA), generate.generate(SCHEMA))

    def test_writes_only_what_changed_and_removes_what_is_gone(self):
        files = {"a/x.h": "// Generated by dev/codegen. 1\n", "a/y.h": "// Generated by dev/codegen. 2\n"}
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory)
            (out / "mine.h").write_text("by hand\n")
            self.assertEqual(generate.write(files, out), 2)
            self.assertEqual(generate.write(files, out), 0)
            del files["a/y.h"]
            files["a/x.h"] += "more\n"
            self.assertEqual(generate.write(files, out), 2)
            self.assertEqual(sorted(p.name for p in out.rglob("*.h")), ["mine.h", "x.h"])

    def test_every_structure_has_a_place(self):
        files = generate.generate(SCHEMA)
        for name in (
            "protocol/messages/produce_request.h",
            "protocol/api/request_header.h",
            "metadata/records/topic_record.h",
            "metadata/records/any_metadata_record.h",
            "coordinator/group/records/offset_commit_key.h",
            "storage/records/producer_snapshot.h",
            "protocol/errors/error_codes.h",
        ):
            self.assertIn(name, files)


class TablesTest(unittest.TestCase):
    def test_reads_errors(self):
        errors = load_errors(SCHEMA)
        self.assertEqual(len(errors), 135)
        self.assertEqual((errors[7].name, errors[7].retriable, errors[7].refresh), ("NOT_LEADER_OR_FOLLOWER", True, True))
        self.assertTrue(all(entry.message for entry in errors))

    def test_reads_a_key(self):
        (key,) = parse_configs("topic", "t", 'a.b int = 5 range 1..9 medium from c d*60000\n    "own words"\n')
        self.assertEqual((key.default, key.check.low, key.check.high), ("5", "1", "9"))
        self.assertEqual(key.synonyms, (("c", 1), ("d", 60000)))
        self.assertEqual(key.documentation, "own words")

    def test_null_and_the_text_null_are_different(self):
        a, b, c = parse_configs("group", "t", 'a string = null low\nb string = "null" low\nc string = "" low\n')
        self.assertEqual((a.default, b.default, c.default), (None, "null", ""))

    def test_refuses_keys_out_of_order_and_unknown_words(self):
        for bad in (
            "b int = 1 low\na int = 1 low\n",
            "a int = 1 low\na int = 1 low\n",
            "a int = 1 sometimes\n",
            "a integer = 1 low\n",
            "a int = 1 range 5 low\n",
            "a int\n",
        ):
            with self.assertRaises(SchemaError, msg=bad):
                parse_configs("group", "t", bad)

    def test_a_broker_key_has_an_update_mode(self):
        with self.assertRaises(SchemaError):
            parse_configs("broker", "t", "a int = 1 low\n")


class ModelTest(unittest.TestCase):
    def test_an_equal_fact_is_equal_and_a_changed_one_is_not(self):
        field = Field("Acks", Type("int16"), Versions.parse("0+"))
        self.assertEqual(field, Field("Acks", Type("int16"), Versions.parse("0+")))
        self.assertNotEqual(field, Field("Acks", Type("int16"), Versions.parse("1+")))


if __name__ == "__main__":
    unittest.main()

#include "storage/checkpoint/checkpoint_text.h"
#include "storage/checkpoint/clean_shutdown.h"
#include "storage/checkpoint/durable_end_file.h"
#include "storage/checkpoint/meta_properties.h"
#include "storage/checkpoint/offset_checkpoint.h"
#include "storage/checkpoint/partition_metadata.h"
#include "storage/checkpoint/properties.h"

#include <gtest/gtest.h>

namespace moldau::storage {
namespace {

TopicPartition partition(const char* topic, int index) {
  return {topic, PartitionIndex(index)};
}

std::string corrupt_line(std::string_view content) {
  const auto parsed = parse_offset_checkpoint(as_bytes(content));
  return parsed ? "accepted" : std::to_string(parsed.error().detail());
}

TEST(OffsetCheckpoint, ReadsKafkasForm) {
  const auto offsets =
      parse_offset_checkpoint(as_bytes("0\n3\norders 0 17\na.b-c 12 9223372036854775807\norders 1 0\n"));
  ASSERT_TRUE(offsets);
  EXPECT_EQ(*offsets, (PartitionOffsets{{partition("orders", 0), Offset(17)},
                                        {partition("orders", 1), Offset(0)},
                                        {partition("a.b-c", 12), Offset(INT64_MAX)}}));
}

TEST(OffsetCheckpoint, WritesTheFormItReads) {
  const PartitionOffsets offsets{{partition("b", 1), Offset(5)}, {partition("a", 0), Offset(7)}};
  EXPECT_EQ(format_offset_checkpoint(offsets), "0\n2\na 0 7\nb 1 5\n");
  EXPECT_EQ(parse_offset_checkpoint(as_bytes(format_offset_checkpoint(offsets))), offsets);
  EXPECT_EQ(format_offset_checkpoint({}), "0\n0\n");
}

TEST(OffsetCheckpoint, TakesAnEmptyFileForNoEntries) {
  EXPECT_EQ(parse_offset_checkpoint({}), PartitionOffsets{});
}

TEST(OffsetCheckpoint, LetsTheLaterOfTwoLinesCount) {
  EXPECT_EQ(parse_offset_checkpoint(as_bytes("0\n2\na 0 1\na 0 2\n")),
            (PartitionOffsets{{partition("a", 0), Offset(2)}}));
}

TEST(OffsetCheckpoint, NamesTheLineOfTheFault) {
  EXPECT_EQ(corrupt_line("1\n0\n"), "1");
  EXPECT_EQ(corrupt_line("x\n0\n"), "1");
  EXPECT_EQ(corrupt_line("0\n"), "2");
  EXPECT_EQ(corrupt_line("0\n-1\n"), "2");
  EXPECT_EQ(corrupt_line("0\n1\n"), "2");
  EXPECT_EQ(corrupt_line("0\n2\na 0 1\n"), "3");
  EXPECT_EQ(corrupt_line("0\n1\na 0 1\nb 0 1\n"), "4");
  EXPECT_EQ(corrupt_line("0\n1\na 0\n"), "3");
  EXPECT_EQ(corrupt_line("0\n1\n a 0 1\n"), "3");
  EXPECT_EQ(corrupt_line("0\n2\na 0 1\na 1 1x\n"), "4");
  EXPECT_EQ(corrupt_line("0\n1\na -1 1\n"), "3");
  EXPECT_EQ(corrupt_line("0\n1\na 0 -1\n"), "3");
  EXPECT_EQ(corrupt_line("0\n1\na 0 9223372036854775808\n"), "3");
  EXPECT_EQ(corrupt_line("0\n2147483647\na 0 1\n"), "3") << "the count sizes nothing";
}

TEST(OffsetCheckpoint, ReadsOtherLineEndsAndSpacing) {
  EXPECT_EQ(parse_offset_checkpoint(as_bytes("0\r\n1\r\na\t 0   3 \r\n")),
            (PartitionOffsets{{partition("a", 0), Offset(3)}}));
}

TEST(DurableEnds, SurviveARoundTripAndDetectAFlippedDigit) {
  const DurableEnds ends{{partition("a", 3), {Uuid{7, 9}, BrokerEpoch(12), Offset(1234)}}};
  std::string text = format_durable_ends(ends);
  EXPECT_EQ(parse_durable_ends(as_bytes(text)), ends);
  text[text.find("1234")] = '2';
  const auto damaged = parse_durable_ends(as_bytes(text));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().kind(), ErrorKind::kCorrupt);
  EXPECT_EQ(damaged.error().detail(), 3);
}

TEST(DurableEnds, CountOnlyForTheirTopicIdAndTheNewestRegistration) {
  const Uuid id{7, 9};
  const DurableEnds ends{{partition("a", 3), {id, BrokerEpoch(12), Offset(1234)}}};
  EXPECT_EQ(trusted_durable_end(ends, partition("a", 3), id, BrokerEpoch(12)), Offset(1234));
  EXPECT_EQ(trusted_durable_end(ends, partition("a", 3), id, BrokerEpoch(13)), std::nullopt);
  EXPECT_EQ(trusted_durable_end(ends, partition("a", 3), Uuid{7, 10}, BrokerEpoch(12)), std::nullopt);
  EXPECT_EQ(trusted_durable_end(ends, partition("a", 4), id, BrokerEpoch(12)), std::nullopt);
  EXPECT_EQ(trusted_durable_end(ends, partition("a", 3), id, kNoBrokerEpoch), std::nullopt);
  const DurableEnds none{{partition("a", 3), {id, BrokerEpoch(12), Offset(0)}}};
  EXPECT_EQ(trusted_durable_end(none, partition("a", 3), id, BrokerEpoch(12)), std::nullopt) << "only its id is kept";
}

TEST(DurableEnds, AreInheritedByAProcessThatRegisteredAndWroteNone) {
  const Uuid heir{7, 1};
  const DurableEnds ends{{partition("a", 3), {Uuid{7, 9}, BrokerEpoch(12), Offset(1234)}}};
  const DurableEndHeirs heirs{{heir, BrokerEpoch(12)}};
  EXPECT_EQ(epoch_that_counts(ends, heirs, BrokerEpoch(20), heir), BrokerEpoch(12));
  EXPECT_EQ(epoch_that_counts(ends, heirs, BrokerEpoch(12), Uuid{7, 2}), BrokerEpoch(12)) << "their own writer's";
  EXPECT_EQ(epoch_that_counts(ends, heirs, BrokerEpoch(20), Uuid{7, 2}), BrokerEpoch(20)) << "another had the disk";
  const DurableEndHeirs older{{heir, BrokerEpoch(5)}};
  EXPECT_EQ(epoch_that_counts(ends, older, BrokerEpoch(20), heir), BrokerEpoch(20));
}

TEST(DurableEnds, HeirsSurviveARoundTripAndDetectAFlippedDigit) {
  const DurableEndHeirs heirs{{Uuid{7, 1}, BrokerEpoch(1234)}, {Uuid{7, 2}, BrokerEpoch(1234)}};
  std::string text = format_durable_end_heirs(heirs);
  EXPECT_EQ(parse_durable_end_heirs(as_bytes(text)), heirs);
  text[text.find("1234")] = '2';
  EXPECT_EQ(parse_durable_end_heirs(as_bytes(text)).error().kind(), ErrorKind::kCorrupt);
}

std::string value_of(std::string_view content, std::string_view key) {
  const auto properties = parse_properties(as_bytes(content));
  const Property* found = properties ? find_property(*properties, key) : nullptr;
  return found ? found->value : "<none>";
}

TEST(Properties, ReadsWhatJavaReads) {
  EXPECT_EQ(value_of("a=1\nb : 2\nc 3\n  d\t=\t4\n", "a"), "1");
  EXPECT_EQ(value_of("a=1\nb : 2\nc 3\n  d\t=\t4\n", "b"), "2");
  EXPECT_EQ(value_of("a=1\nb : 2\nc 3\n  d\t=\t4\n", "c"), "3");
  EXPECT_EQ(value_of("a=1\nb : 2\nc 3\n  d\t=\t4\n", "d"), "4");
  EXPECT_EQ(value_of("#a=1\n!a=2\n\n   \na = x ", "a"), "x ") << "blanks at the end belong to the value";
  EXPECT_EQ(value_of("a = one,\\\n    two,\\\r\n  three", "a"), "one,two,three");
  EXPECT_EQ(value_of("a=x\\\\\nb=y", "b"), "y") << "an escaped backslash does not continue the line";
  EXPECT_EQ(value_of("a\\ b\\=c=\\t\\u0041\\q", "a b=c"), "\tAq");
  EXPECT_EQ(value_of("a==:b", "a"), "=:b");
  EXPECT_EQ(value_of("key", "key"), "");
  EXPECT_EQ(value_of("a=1\na=2", "a"), "2");
  EXPECT_EQ(value_of("a=\xE9\\u20AC\\uD83D\\uDE00\\uD83D", "a"), "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD");
  EXPECT_EQ(value_of("a=1\\", "a"), "1");
}

TEST(Properties, NamesTheLine) {
  const auto properties = parse_properties(as_bytes("# c\na=1\nb=\\\n 2\nc=3"));
  ASSERT_TRUE(properties);
  EXPECT_EQ((*properties)[1], (Property{"b", "2", 3}));
  EXPECT_EQ((*properties)[2].line, 5);
  const auto malformed = parse_properties(as_bytes("a=1\nb=\\u12G4\n"));
  ASSERT_FALSE(malformed);
  EXPECT_EQ(malformed.error().detail(), 2);
}

TEST(MetaProperties, ReadsVersionOneAsKafkaWritesIt) {
  const auto meta = parse_meta_properties(as_bytes(
      "#\n#Sat Nov 21 13:18:00 UTC 2026\ncluster.id=4L6g3nShT-eMCtK--X86sw\ndirectory.id=a8nrvGMmR1eaTB0qZBRkUw\n"
      "node.id=1\nversion=1\n"));
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->version, 1);
  EXPECT_EQ(meta->cluster_id, "4L6g3nShT-eMCtK--X86sw");
  EXPECT_EQ(meta->node_id, NodeId(1));
  EXPECT_EQ(meta->directory_id->to_string(), "a8nrvGMmR1eaTB0qZBRkUw");
  EXPECT_EQ(parse_meta_properties(as_bytes(format_meta_properties(*meta))), *meta);
}

TEST(MetaProperties, ReadsVersionZeroAndRefusesOthers) {
  EXPECT_EQ(parse_meta_properties(as_bytes("broker.id=3\n")),
            (MetaProperties{0, std::nullopt, NodeId(3), std::nullopt}));
  EXPECT_FALSE(parse_meta_properties(as_bytes("version=2\ncluster.id=a\nnode.id=1\n")));
  EXPECT_FALSE(parse_meta_properties(as_bytes("version=1\nnode.id=1\n")));
  EXPECT_FALSE(parse_meta_properties(as_bytes("version=1\ncluster.id=a\n")));
  EXPECT_FALSE(parse_meta_properties(as_bytes("version=1\ncluster.id=a\nnode.id=x\n")));
  EXPECT_FALSE(parse_meta_properties(as_bytes("version=1\ncluster.id=a\nnode.id=1\ndirectory.id=zz\n")));
}

MetaProperties meta(const char* cluster, int node, std::uint64_t directory) {
  return {1, cluster, NodeId(node), Uuid{5, directory}};
}

TEST(Identity, OfAgreeingDirectoriesIsFound) {
  const DirectoryIdentity directories[] = {{"/a", meta("c", 1, 1)}, {"/b", std::nullopt}, {"/d", meta("c", 1, 2)}};
  EXPECT_EQ(agree_on_identity(directories, {}), (ClusterIdentity{"c", NodeId(1)}));
}

TEST(Identity, OfDisagreeingDirectoriesIsRefusedWithBothNames) {
  const DirectoryIdentity clusters[] = {{"/a", meta("c", 1, 1)}, {"/b", meta("other", 1, 2)}};
  const auto by_cluster = agree_on_identity(clusters, {});
  ASSERT_FALSE(by_cluster);
  EXPECT_EQ(by_cluster.error(), "/b/meta.properties belongs to cluster other, but /a/meta.properties says cluster c");
  const DirectoryIdentity nodes[] = {{"/a", meta("c", 1, 1)}};
  const auto by_node = agree_on_identity(nodes, {"c", NodeId(2)});
  ASSERT_FALSE(by_node);
  EXPECT_NE(by_node.error().find("belongs to node 1, but the configuration says node 2"), std::string::npos);
  const DirectoryIdentity copies[] = {{"/a", meta("c", 1, 1)}, {"/b", meta("c", 1, 1)}};
  EXPECT_FALSE(agree_on_identity(copies, {}));
  MetaProperties reserved = meta("c", 1, 1);
  reserved.directory_id = kLostDirectory;
  const DirectoryIdentity lost[] = {{"/a", reserved}};
  EXPECT_FALSE(agree_on_identity(lost, {}));
}

TEST(PartitionMetadata, ReadsKafkasFormAndRefusesTheZeroId) {
  const Uuid id = *Uuid::parse("a8nrvGMmR1eaTB0qZBRkUw");
  EXPECT_EQ(format_partition_metadata(id), "version: 0\ntopic_id: a8nrvGMmR1eaTB0qZBRkUw");
  EXPECT_EQ(parse_partition_metadata(as_bytes(format_partition_metadata(id))), (PartitionMetadata{0, id}));
  EXPECT_EQ(parse_partition_metadata(as_bytes("version: 7\ntopic_id: a8nrvGMmR1eaTB0qZBRkUw\n")),
            (PartitionMetadata{7, id}));
  EXPECT_FALSE(parse_partition_metadata(as_bytes("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA")));
  EXPECT_FALSE(parse_partition_metadata(as_bytes("version: -1\ntopic_id: a8nrvGMmR1eaTB0qZBRkUw")));
  EXPECT_FALSE(parse_partition_metadata(as_bytes("version: 0")));
  EXPECT_FALSE(parse_partition_metadata(as_bytes("version:0\ntopic_id: a8nrvGMmR1eaTB0qZBRkUw")));
  EXPECT_FALSE(parse_partition_metadata({}));
}

TEST(CleanShutdown, ReadsKafkasFormAndIgnoresWhatElseIsThere) {
  EXPECT_EQ(format_clean_shutdown(BrokerEpoch(17)), "{\"version\":0,\"brokerEpoch\":17}");
  EXPECT_EQ(parse_clean_shutdown(as_bytes("{\"version\":0,\"brokerEpoch\":17}")), BrokerEpoch(17));
  EXPECT_EQ(parse_clean_shutdown(as_bytes(" { \"x\" : [1,{\"y\":\"a\\\"}\"},null] , \"brokerEpoch\" : 3 } \n")),
            BrokerEpoch(3));
  EXPECT_EQ(parse_clean_shutdown(as_bytes("{\"version\":0}")), std::nullopt);
  EXPECT_EQ(parse_clean_shutdown(as_bytes("{\"brokerEpoch\":null}")), std::nullopt);
  EXPECT_EQ(parse_clean_shutdown(as_bytes("{\"brokerEpoch\":1.5}")), std::nullopt);
  EXPECT_EQ(parse_clean_shutdown(as_bytes("{\"brokerEpoch\":1")), std::nullopt);
  EXPECT_EQ(parse_clean_shutdown(as_bytes("{\"brokerEpoch\":1}x")), std::nullopt);
  EXPECT_EQ(parse_clean_shutdown({}), std::nullopt);
  EXPECT_EQ(parse_clean_shutdown(as_bytes("{\"a\":" + std::string(1000, '['))), std::nullopt);
}

}  // namespace
}  // namespace moldau::storage

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/controller/replica_placer.h"
#include "metadata/controller/testing/driver.h"
#include "metadata/controller/topic_name.h"

namespace moldau::metadata {
namespace {

using testing::Driver;
using testing::ids;

TopicCreation topic(std::string name, std::int32_t partitions = 1, std::int16_t factor = 1) {
  TopicCreation creation;
  creation.name = std::move(name);
  creation.partitions = partitions;
  creation.replication_factor = factor;
  return creation;
}

ErrorCode create(Driver& driver, TopicCreation creation) {
  const auto decision = driver.controller.create_topics({{std::move(creation)}, false});
  return decision ? decision->response.front().error.code : decision.error().code;
}

TEST(TopicName, FollowsKafkasRules) {
  for (const char* name : {"a", "A-b_c.9", "...", "__x"}) {
    EXPECT_EQ(topic_name_fault(name), "") << name;
  }
  for (const char* name : {"", ".", "..", "a b", "a/b", "ä", "a\n"}) {
    EXPECT_NE(topic_name_fault(name), "") << name;
  }
  EXPECT_EQ(topic_name_fault(std::string(249, 'a')), "");
  EXPECT_NE(topic_name_fault(std::string(250, 'a')), "");
}

// inventory §6 line 8
TEST(CreateTopics, Line8RecordsAreTopicConfigsPartitionsAndOneBadTopicFailsAlone) {
  ControllerOptions options;
  options.default_partitions = 3;
  options.default_replication_factor = 2;
  Driver driver(options);
  driver.bring_up(1);
  driver.bring_up(2);
  auto good = topic("good", -1, -1);
  good.configs = {{"retention.ms", "5"}, {"cleanup.policy", "compact"}};
  const auto decision =
      driver.controller.create_topics({{topic("twice"), good, topic("bad name"), topic("twice")}, false});
  ASSERT_TRUE(decision);
  ASSERT_EQ(decision->response.size(), 3U);
  EXPECT_EQ(decision->response[0].error.code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(decision->response[1].error.code, ErrorCode::kNone);
  EXPECT_EQ(decision->response[1].partitions, 3);
  EXPECT_EQ(decision->response[1].replication_factor, 2);
  EXPECT_EQ(decision->response[1].configs.size(), 5U);
  EXPECT_EQ(decision->response[2].error.code, ErrorCode::kInvalidTopicException);
  std::vector<std::string> order;
  for (const auto& record : decision->records) {
    order.emplace_back(records::type_of(record.record).name);
  }
  EXPECT_THAT(order, ::testing::ElementsAre("TopicRecord", "ConfigRecord", "ConfigRecord", "PartitionRecord",
                                            "PartitionRecord", "PartitionRecord"));
  EXPECT_TRUE(decision->atomic);
}

TEST(CreateTopics, RefusesWhatKafkaRefuses) {
  Driver driver;
  driver.bring_up(1);
  ASSERT_EQ(driver.create("a.b", {ids({1})}), ApiError{});
  EXPECT_EQ(create(driver, topic("a.b")), ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(create(driver, topic("a_b")), ErrorCode::kInvalidTopicException) << "collides";
  EXPECT_EQ(create(driver, topic("__cluster_metadata")), ErrorCode::kInvalidRequest);
  EXPECT_EQ(create(driver, topic("x", 0)), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(create(driver, topic("x", -2)), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(create(driver, topic("x", 1, 0)), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(create(driver, topic("x", 1, 2)), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(create(driver, topic("x", 10'001)), ErrorCode::kPolicyViolation);
  auto bad = topic("x");
  bad.configs = {{"retention.ms", std::nullopt}};
  EXPECT_EQ(create(driver, bad), ErrorCode::kInvalidConfig);
  bad.configs = {{"refused", "1"}};
  EXPECT_EQ(create(driver, bad), ErrorCode::kInvalidConfig);
  driver.expire_all_but({});
  EXPECT_EQ(create(driver, topic("x")), ErrorCode::kInvalidReplicationFactor) << "every broker is fenced";
}

TEST(CreateTopics, AssignmentsExcludeCountsAndAreChecked) {
  Driver driver;
  driver.bring_up(1);
  driver.bring_up(2);
  const auto assigned = [](std::vector<TopicCreation::Assignment> assignments) {
    TopicCreation creation = topic("x", -1, -1);
    creation.assignments = std::move(assignments);
    return creation;
  };
  const auto at = [](std::int32_t index, Replicas brokers) {
    return TopicCreation::Assignment{PartitionIndex(index), std::move(brokers)};
  };
  EXPECT_EQ(create(driver, assigned({at(0, ids({1, 2})), at(1, ids({2, 1}))})), ErrorCode::kNone);
  auto both = assigned({at(0, ids({1}))});
  both.partitions = 1;
  EXPECT_EQ(create(driver, both), ErrorCode::kInvalidRequest);
  both.partitions = -1;
  both.replication_factor = 1;
  EXPECT_EQ(create(driver, both), ErrorCode::kInvalidRequest);
  for (const auto& assignments :
       std::vector<std::vector<TopicCreation::Assignment>>{{at(0, ids({1})), at(0, ids({1}))},
                                                           {at(0, ids({1})), at(2, ids({1}))},
                                                           {at(1, ids({1}))},
                                                           {at(0, {})},
                                                           {at(0, ids({9}))},
                                                           {at(0, ids({1, 1}))},
                                                           {at(0, ids({1})), at(1, ids({1, 2}))}}) {
    EXPECT_EQ(create(driver, assigned(assignments)), ErrorCode::kInvalidReplicaAssignment);
  }
  driver.expire_all_but({1});
  EXPECT_EQ(create(driver, assigned({at(0, ids({2}))})), ErrorCode::kInvalidReplicaAssignment);
  const auto decision = driver.controller.create_topics({{assigned({at(0, ids({2, 1}))})}, false});
  const auto& partition = std::get<records::PartitionRecord>(decision->records.back().record);
  EXPECT_EQ(partition.isr, std::vector<std::int32_t>{1}) << "a fenced broker is a replica, not in sync";
  EXPECT_EQ(partition.leader, 1);
}

TEST(CreateTopics, ValidateOnlyWritesNothing) {
  Driver driver;
  driver.bring_up(1);
  const auto decision = driver.controller.create_topics({{topic("x")}, true});
  EXPECT_EQ(decision->response.front().error.code, ErrorCode::kNone);
  EXPECT_TRUE(decision->records.empty());
}

ErrorCode add_partitions(Driver& driver, PartitionsAddition addition) {
  const auto decision = driver.controller.create_partitions({{std::move(addition)}, false});
  return decision ? decision->response.front().error.code : decision.error().code;
}

TEST(CreatePartitions, AddsPartitionsBehindThoseThatAreThere) {
  Driver driver;
  driver.bring_up(1);
  driver.bring_up(2);
  ASSERT_EQ(driver.create("t", {ids({1, 2}), ids({2, 1})}), ApiError{});
  const PartitionRegistration before = driver.partition("t", 1);
  const auto added = driver.apply(driver.controller.create_partitions({{{"t", 5, std::nullopt}}, false}));
  ASSERT_TRUE(added);
  EXPECT_EQ(added->front().topic, "t");
  EXPECT_EQ(added->front().error, ApiError{});
  ASSERT_EQ(driver.image().topic("t")->partitions.size(), 5U);
  EXPECT_EQ(driver.partition("t", 1), before);
  for (std::int32_t index = 2; index < 5; ++index) {
    EXPECT_EQ(driver.partition("t", index).replicas.size(), 2U) << "the replication factor of the topic";
    EXPECT_EQ(driver.partition("t", index).isr.size(), 2U);
    EXPECT_EQ(driver.partition("t", index).leader_epoch, LeaderEpoch(0));
  }
}

TEST(CreatePartitions, FollowsTheAssignmentsThatAreGiven) {
  Driver driver;
  driver.bring_up(1);
  driver.bring_up(2);
  driver.bring_up(3);
  ASSERT_EQ(driver.create("t", {ids({1, 2})}), ApiError{});
  driver.expire_all_but({1, 3});
  ASSERT_TRUE(driver.apply(driver.controller.create_partitions({{{"t", 3, {{ids({3, 1}), ids({2, 3})}}}}, false})));
  EXPECT_EQ(driver.partition("t", 1).replicas, ids({3, 1}));
  EXPECT_EQ(driver.partition("t", 1).leader, NodeId(3));
  EXPECT_EQ(driver.partition("t", 2).replicas, ids({2, 3}));
  EXPECT_EQ(driver.partition("t", 2).isr, ids({3})) << "a fenced broker is a replica, not in sync";
}

TEST(CreatePartitions, RefusesWhatKafkaRefuses) {
  Driver driver;
  driver.bring_up(1);
  driver.bring_up(2);
  ASSERT_EQ(driver.create("t", {ids({1}), ids({2})}), ApiError{});
  EXPECT_EQ(add_partitions(driver, {"nobody", 3, std::nullopt}), ErrorCode::kUnknownTopicOrPartition);
  for (const std::int32_t count : {2, 1, 0, -1, INT32_MIN}) {
    EXPECT_EQ(add_partitions(driver, {"t", count, std::nullopt}), ErrorCode::kInvalidPartitions) << count;
  }
  const auto assigned = [&](std::int32_t count, std::vector<Replicas> assignments) {
    return add_partitions(driver, {"t", count, std::move(assignments)});
  };
  EXPECT_EQ(assigned(3, {ids({1})}), ErrorCode::kNone);
  EXPECT_EQ(assigned(3, {}), ErrorCode::kInvalidReplicaAssignment) << "no assignment for one partition";
  EXPECT_EQ(assigned(3, {ids({1}), ids({1})}), ErrorCode::kInvalidReplicaAssignment) << "two for one";
  EXPECT_EQ(assigned(3, {Replicas{}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(assigned(3, {ids({9})}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(assigned(3, {ids({1, 1})}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(assigned(3, {ids({1, 2})}), ErrorCode::kInvalidReplicaAssignment) << "another replication factor";
  EXPECT_EQ(add_partitions(driver, {"t", 10'003, std::nullopt}), ErrorCode::kPolicyViolation);
  EXPECT_EQ(add_partitions(driver, {"t", INT32_MAX, std::nullopt}), ErrorCode::kPolicyViolation);
  driver.expire_all_but({1});
  EXPECT_EQ(assigned(3, {ids({2})}), ErrorCode::kInvalidReplicaAssignment) << "nobody may lead it";
  driver.expire_all_but({});
  EXPECT_EQ(add_partitions(driver, {"t", 3, std::nullopt}), ErrorCode::kInvalidReplicationFactor);
}

TEST(CreatePartitions, EachTopicStandsOrFallsAlone) {
  Driver driver;
  driver.bring_up(1);
  ASSERT_EQ(driver.create("a", {ids({1})}), ApiError{});
  ASSERT_EQ(driver.create("b", {ids({1})}), ApiError{});
  ASSERT_EQ(driver.create("c", {ids({1})}), ApiError{});
  const auto decision = driver.controller.create_partitions({{{"a", 2, std::nullopt},
                                                              {"b", 1, std::nullopt},
                                                              {"c", 2, std::nullopt},
                                                              {"c", 3, std::nullopt},
                                                              {"a-missing", 2, std::nullopt}},
                                                             false});
  ASSERT_TRUE(decision);
  std::map<std::string, ErrorCode> errors;
  for (const PartitionsAdded& one : decision->response) {
    errors.emplace(one.topic, one.error.code);
  }
  EXPECT_EQ(decision->response.size(), 4U);
  EXPECT_EQ(errors.at("a"), ErrorCode::kNone);
  EXPECT_EQ(errors.at("b"), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(errors.at("c"), ErrorCode::kInvalidRequest) << "named twice";
  EXPECT_EQ(errors.at("a-missing"), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(decision->records.size(), 1U);
  EXPECT_TRUE(decision->atomic);
  const auto validated = driver.controller.create_partitions({{{"a", 2, std::nullopt}}, true});
  EXPECT_EQ(validated->response.front().error, ApiError{});
  EXPECT_TRUE(validated->records.empty()) << "validate only";
}

TEST(CreatePartitions, OneRequestMakesNoMoreThanOneBatchHolds) {
  Driver driver;
  driver.bring_up(1);
  ASSERT_EQ(driver.create("a", {ids({1})}), ApiError{});
  ASSERT_EQ(driver.create("b", {ids({1})}), ApiError{});
  const auto decision =
      driver.controller.create_partitions({{{"a", 9'001, std::nullopt}, {"b", 1'002, std::nullopt}}, false});
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->response[0].error, ApiError{});
  EXPECT_EQ(decision->response[1].error.code, ErrorCode::kPolicyViolation);
  EXPECT_EQ(decision->records.size(), 9'000U) << "nothing of the second topic";
}

TEST(DeleteTopics, ByNameAndById) {
  Driver driver;
  driver.bring_up(1);
  for (const char* name : {"a", "b", "c", "d"}) {
    ASSERT_EQ(driver.create(name, {ids({1})}), ApiError{});
  }
  const auto id = [&](const char* name) { return driver.image().topic(name)->id; };
  const Uuid c = id("c");
  const auto deleted = driver.apply(driver.controller.delete_topics({{"a", kZeroUuid},
                                                                     {std::nullopt, id("b")},
                                                                     {"c", kZeroUuid},
                                                                     {std::nullopt, c},
                                                                     {"nobody", kZeroUuid},
                                                                     {std::nullopt, Uuid{5, 5}},
                                                                     {"d", kZeroUuid},
                                                                     {"d", kZeroUuid},
                                                                     {"x", Uuid{6, 6}},
                                                                     {std::nullopt, kZeroUuid}}));
  ASSERT_TRUE(deleted);
  std::map<std::string, ErrorCode> by_name;
  std::map<Uuid, ErrorCode> by_id;
  for (const TopicDeleted& one : *deleted) {
    if (one.name) {
      by_name[*one.name] = one.error.code;
    } else {
      by_id[one.id] = one.error.code;
    }
  }
  EXPECT_EQ(by_name["a"], ErrorCode::kNone);
  EXPECT_EQ(by_name["b"], ErrorCode::kNone) << "answered with its name";
  EXPECT_EQ(by_name["c"], ErrorCode::kInvalidRequest) << "by name and by id";
  EXPECT_EQ(by_name["d"], ErrorCode::kInvalidRequest) << "twice";
  EXPECT_EQ(by_name["x"], ErrorCode::kInvalidRequest) << "name and id at once";
  EXPECT_EQ(by_name["nobody"], ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(by_id[(Uuid{5, 5})], ErrorCode::kUnknownTopicId);
  EXPECT_EQ(by_id[kZeroUuid], ErrorCode::kInvalidRequest);
  EXPECT_EQ(deleted->size(), 8U);
  EXPECT_EQ(driver.image().topic("a"), nullptr);
  EXPECT_EQ(driver.image().topic("b"), nullptr);
  EXPECT_NE(driver.image().topic("c"), nullptr);
  EXPECT_NE(driver.image().topic("d"), nullptr);
}

TEST(DeleteTopics, ARecreatedTopicHasANewIdAndCanBeDisabled) {
  Driver driver;
  driver.bring_up(1);
  ASSERT_EQ(driver.create("a", {ids({1})}), ApiError{});
  const Uuid first = driver.image().topic("a")->id;
  ASSERT_TRUE(driver.apply(driver.controller.delete_topics({{"a", kZeroUuid}})));
  ASSERT_EQ(driver.create("a", {ids({1})}), ApiError{});
  EXPECT_NE(driver.image().topic("a")->id, first);
  ControllerOptions options;
  options.delete_topic_enable = false;
  Driver closed(options);
  EXPECT_EQ(closed.controller.delete_topics({{"a", kZeroUuid}}).error().code, ErrorCode::kTopicDeletionDisabled);
}

TEST(ReplicaPlacer, SpreadsLeadersAndRacksEvenly) {
  testing::SeededEntropy entropy(3);
  std::vector<UsableBroker> brokers;
  for (int id = 0; id < 6; ++id) {
    brokers.push_back({NodeId(id), "rack" + std::to_string(id % 3), false});
  }
  const auto placed = place_replicas(brokers, 60, 3, entropy);
  ASSERT_TRUE(placed);
  std::map<NodeId, int> leads;
  for (const Replicas& replicas : *placed) {
    ++leads[replicas.front()];
    std::set<std::int32_t> racks;
    for (const NodeId id : replicas) {
      racks.insert(id.value() % 3);
    }
    EXPECT_EQ(racks.size(), 3U);
  }
  for (const auto& [id, count] : leads) {
    EXPECT_NEAR(count, 10, 3) << id.value();
  }
}

TEST(ReplicaPlacer, PutsFencedBrokersLastAndEndsWhateverTheShape) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    testing::SeededEntropy entropy(seed);
    std::vector<UsableBroker> brokers;
    const auto count = 1 + entropy.below(7);
    for (std::uint64_t id = 0; id < count; ++id) {
      std::optional<std::string> rack;
      if (entropy.below(3) != 0) {
        rack = std::to_string(entropy.below(3));
      }
      brokers.push_back({NodeId(static_cast<std::int32_t>(id)), rack, id != 0 && entropy.below(3) == 0});
    }
    const auto factor = static_cast<std::int16_t>(1 + entropy.below(count));
    const auto placed = place_replicas(brokers, 20, factor, entropy);
    ASSERT_TRUE(placed);
    for (Replicas replicas : *placed) {
      ASSERT_EQ(replicas.size(), static_cast<std::size_t>(factor));
      EXPECT_FALSE(brokers[static_cast<std::size_t>(replicas.front().value())].fenced);
      std::ranges::sort(replicas);
      EXPECT_EQ(std::ranges::adjacent_find(replicas), replicas.end());
    }
  }
}

// Gives what it has, and counts what it was asked for.
class CountedQuota final : public MutationQuota {
 public:
  explicit CountedQuota(std::size_t has) : has_(has) {}
  bool take(std::size_t partitions) override {
    asked.push_back(partitions);
    const bool given = has_ > 0;  // the last expense may be larger
    has_ -= std::min(has_, partitions);
    return given;
  }
  std::vector<std::size_t> asked;

 private:
  std::size_t has_;
};

TEST(TopicControlQuota, Semantics64WhatTheQuotaRefusesIsNotCreated) {
  testing::Driver driver;
  driver.bring_up(1);
  CountedQuota quota(3);
  const auto creation = [](const std::string& name, std::int32_t partitions) {
    TopicCreation topic;
    topic.name = name;
    topic.partitions = partitions;
    topic.replication_factor = 1;
    return topic;
  };
  const auto created = driver.apply(
      driver.controller.create_topics({{creation("a", 4), creation("bad name", 9), creation("b", 2)}, false}, &quota));
  ASSERT_TRUE(created);
  EXPECT_FALSE(created->at(0).error.failed());
  EXPECT_EQ(created->at(1).error.code, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(created->at(2).error, (ApiError{ErrorCode::kThrottlingQuotaExceeded, ""}));
  EXPECT_EQ(quota.asked, (std::vector<std::size_t>{4, 2})) << "a topic that cannot be costs nothing";
  EXPECT_NE(driver.image().topic("a"), nullptr);
  EXPECT_EQ(driver.image().topic("b"), nullptr);
}

TEST(TopicControlQuota, Semantics64WhatTheQuotaRefusesIsNotDeleted) {
  testing::Driver driver;
  driver.bring_up(1);
  EXPECT_EQ(driver.create("a", {testing::ids({1}), testing::ids({1})}), ApiError{});
  CountedQuota none(0);
  const auto refused = driver.apply(driver.controller.delete_topics({{"a", kZeroUuid}}, &none));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->at(0).error.code, ErrorCode::kThrottlingQuotaExceeded);
  EXPECT_EQ(none.asked, std::vector<std::size_t>{2});
  EXPECT_NE(driver.image().topic("a"), nullptr);
  CountedQuota enough(5);
  ASSERT_TRUE(driver.apply(driver.controller.delete_topics({{"a", kZeroUuid}}, &enough)));
  EXPECT_EQ(driver.image().topic("a"), nullptr);
}

}  // namespace
}  // namespace moldau::metadata

#include "replication/core/replication_core.h"

#include <map>

#include <gtest/gtest.h>

namespace moldau::replication {
namespace {

constexpr MonoMs kLag = 30'000;
constexpr NodeId kSelf{1};

class FakeBrokers final : public BrokerView {
 public:
  std::optional<BrokerStatus> status(NodeId broker) const override {
    const auto found = brokers.find(broker);
    return found == brokers.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<NodeId, BrokerStatus> brokers{{NodeId(1), {BrokerEpoch(11), false, false}},
                                         {NodeId(2), {BrokerEpoch(12), false, false}},
                                         {NodeId(3), {BrokerEpoch(13), false, false}}};
};

std::vector<NodeId> nodes(std::initializer_list<int> ids) {
  std::vector<NodeId> result;
  for (const int id : ids) {
    result.emplace_back(id);
  }
  return result;
}

PartitionRegistration registration(int leader, int leader_epoch, int partition_epoch, std::initializer_list<int> isr,
                                   std::initializer_list<int> replicas = {1, 2, 3}) {
  return {nodes(replicas),
          nodes(isr),
          {},
          NodeId(leader),
          LeaderEpoch(leader_epoch),
          partition_epoch,
          LeaderRecoveryState::kRecovered};
}

// One replica (node 1) with three assigned; time in milliseconds.
struct Replica {
  explicit Replica(int min_isr = 2, RestoredReplica restored = {}) : core(kSelf, restored, min_isr, kLag) {}

  Effects become(const PartitionRegistration& wanted) {
    Effects out;
    EXPECT_EQ(core.on_registration(wanted, brokers, now, out), std::nullopt);
    return out;
  }
  Effects append(int end) {
    Effects out;
    core.on_append(Offset(end), brokers, now, out);
    return out;
  }
  Effects fetch(int replica, int offset, int broker_epoch = -2, int leader_epoch = 5) {
    Effects out;
    const BrokerEpoch epoch = broker_epoch == -2 ? brokers.status(NodeId(replica))->epoch : BrokerEpoch(broker_epoch);
    refusal = core.on_follower_fetch({NodeId(replica), epoch, LeaderEpoch(leader_epoch), Offset(offset), Offset(0)},
                                     brokers, now, out);
    return out;
  }
  Effects answer(const AlterPartitionAnswer& with) {
    Effects out;
    core.on_alter_partition_answer(with, brokers, now, out);
    return out;
  }
  Effects tick() {
    Effects out;
    core.on_tick(brokers, now, out);
    return out;
  }

  FakeBrokers brokers;
  MonoMs now = 1'000'000;
  std::optional<FetchRefusal> refusal;
  ReplicationCore core;
};

TEST(ReplicationCore, ASingleReplicaLeadsAndCommitsItsOwnAppends) {
  Replica replica(1, {Offset(0), Offset(7), Offset(3)});
  const Effects became = replica.become(registration(1, 5, 0, {1}, {1}));
  EXPECT_EQ(became.leadership, LeadershipChange::kGained);
  EXPECT_EQ(became.assign_epoch_start, (OffsetAndEpoch{Offset(7), LeaderEpoch(5)}));
  EXPECT_EQ(became.high_watermark, Offset(7));
  EXPECT_EQ(replica.append(9).high_watermark, Offset(9));
  EXPECT_EQ(replica.core.ack_status(Offset(9)), AckStatus::kReached);
}

TEST(ReplicationCore, MinIsrIsBoundedByTheNumberOfReplicas) {
  Replica replica(3);
  replica.become(registration(1, 5, 0, {1}, {1}));
  EXPECT_EQ(replica.core.effective_min_isr(), 1);
  EXPECT_TRUE(replica.core.enough_replicas());
}

TEST(ReplicationCore, AnOlderRegistrationIsIgnoredAndAMalformedOneRefused) {
  Replica replica;
  replica.become(registration(1, 5, 4, {1, 2, 3}));
  Effects out;
  EXPECT_EQ(replica.core.on_registration(registration(2, 4, 3, {2}), replica.brokers, 0, out),
            RegistrationRefusal::kStale);
  PartitionRegistration overlapping = registration(1, 5, 5, {1, 2});
  overlapping.elr = nodes({2});
  EXPECT_EQ(replica.core.on_registration(overlapping, replica.brokers, 0, out), RegistrationRefusal::kMalformed);
  EXPECT_EQ(replica.core.on_registration(registration(1, 5, 5, {1, 4}), replica.brokers, 0, out),
            RegistrationRefusal::kMalformed);
  EXPECT_TRUE(replica.core.is_leader());
  EXPECT_EQ(replica.core.partition_epoch(), 4);
}

TEST(ReplicationCore, TheHighWatermarkIsTheSmallestLogEndOfTheIsr) {
  Replica replica;
  replica.become(registration(1, 5, 0, {1, 2, 3}));
  EXPECT_EQ(replica.append(10).high_watermark, std::nullopt);
  EXPECT_EQ(replica.fetch(2, 10).high_watermark, std::nullopt);
  EXPECT_EQ(replica.fetch(3, 4).high_watermark, Offset(4));
  EXPECT_EQ(replica.fetch(3, 10).high_watermark, Offset(10));
}

TEST(ReplicationCore, OffsetsAreNotAvailableUntilANewLeaderReachesItsEpochStart) {
  Replica replica(2, {Offset(0), Offset(10), Offset(4)});
  replica.become(registration(1, 5, 0, {1, 2, 3}));
  EXPECT_FALSE(replica.core.offsets_available());
  replica.fetch(2, 10);
  replica.fetch(3, 10);
  EXPECT_TRUE(replica.core.offsets_available());
}

TEST(ReplicationCore, AFollowerJoinsTheIsrAtTheHighWatermarkAndTheEpochStart) {
  Replica replica(1, {Offset(0), Offset(10), Offset(0)});
  replica.become(registration(1, 5, 0, {1}));
  EXPECT_EQ(replica.core.high_watermark(), Offset(10));
  EXPECT_EQ(replica.fetch(2, 9).alter_partition, std::nullopt) << "below the high watermark";
  const Effects joined = replica.fetch(2, 10);
  ASSERT_TRUE(joined.alter_partition);
  EXPECT_EQ(joined.alter_partition->new_isr,
            (std::vector<IsrMember>{{NodeId(1), BrokerEpoch(11)}, {NodeId(2), BrokerEpoch(12)}}));
  EXPECT_EQ(replica.core.isr().size(), 1U);
  EXPECT_EQ(replica.core.maximal_isr(), nodes({1, 2}));
}

TEST(ReplicationCore, AFencedStoppingOrReplacedFollowerDoesNotJoinTheIsr) {
  for (const BrokerStatus status : {BrokerStatus{BrokerEpoch(12), true, false}, {BrokerEpoch(12), false, true}}) {
    Replica replica(1);
    replica.become(registration(1, 5, 0, {1}));
    replica.brokers.brokers[NodeId(2)] = status;
    EXPECT_EQ(replica.fetch(2, 0).alter_partition, std::nullopt);
  }
  Replica replica(1);
  replica.become(registration(1, 5, 0, {1}));
  EXPECT_EQ(replica.fetch(2, 0, 99).alter_partition, std::nullopt) << "metadata has not shown this incarnation yet";
  EXPECT_EQ(replica.fetch(2, 0, 7).alter_partition, std::nullopt);
  EXPECT_EQ(replica.refusal, FetchRefusal::kStaleBrokerEpoch);
}

TEST(ReplicationCore, FetchesUnderOtherEpochsOrFromStrangersDoNotCount) {
  Replica replica;
  EXPECT_EQ((replica.fetch(2, 0), replica.refusal), FetchRefusal::kNotLeader);
  replica.become(registration(1, 5, 0, {1, 2}, {1, 2}));
  EXPECT_EQ((replica.fetch(2, 0, -2, 4), replica.refusal), FetchRefusal::kFencedLeaderEpoch);
  EXPECT_EQ((replica.fetch(2, 0, -2, 6), replica.refusal), FetchRefusal::kUnknownLeaderEpoch);
  EXPECT_EQ((replica.fetch(3, 0), replica.refusal), FetchRefusal::kUnknownReplica);
  EXPECT_EQ((replica.fetch(2, 0), replica.refusal), std::nullopt);
}

TEST(ReplicationCore, AFollowerThatReadToThePreviousEndStaysInSync) {
  Replica replica;
  replica.become(registration(1, 5, 0, {1, 2, 3}));
  replica.append(10);
  for (int i = 1; i <= 20; ++i) {  // always one small append behind
    replica.now += kLag / 2;
    replica.fetch(2, 10 * i);
    replica.fetch(3, 10 * i);
    replica.append(10 * i + 10);
    EXPECT_EQ(replica.tick().alter_partition, std::nullopt);
  }
}

TEST(ReplicationCore, ALateFollowerLeavesTheIsrAndTheHighWatermarkWaitsForTheController) {
  Replica replica(1);
  replica.become(registration(1, 5, 0, {1, 2}, {1, 2}));
  replica.append(10);
  replica.now += kLag + 1;
  const Effects late = replica.tick();
  ASSERT_TRUE(late.alter_partition);
  EXPECT_EQ(late.alter_partition->new_isr, (std::vector<IsrMember>{{NodeId(1), BrokerEpoch(11)}}));
  EXPECT_EQ(replica.core.high_watermark(), Offset(0)) << "the shrink may still fail";
  EXPECT_EQ(replica.tick().alter_partition, std::nullopt) << "one wish at a time";
  const Effects applied =
      replica.answer({late.alter_partition->id, AlterPartitionOutcome::kApplied, nodes({1}), LeaderEpoch(5), 1});
  EXPECT_EQ(applied.high_watermark, Offset(10));
  EXPECT_EQ(replica.core.partition_epoch(), 1);
}

TEST(ReplicationCore, ARetriedWishIsTheSameAndAnAnswerToAnEarlierOneIsIgnored) {
  Replica replica(1);
  replica.become(registration(1, 5, 0, {1}));
  const auto first = replica.fetch(2, 0).alter_partition;
  ASSERT_TRUE(first);
  const auto again = replica.answer({first->id, AlterPartitionOutcome::kRetry, {}, {}, 0}).alter_partition;
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, first->id);
  replica.answer({first->id, AlterPartitionOutcome::kNotApplied, {}, {}, 0});
  EXPECT_EQ(replica.core.maximal_isr(), nodes({1}));
  const auto second = replica.fetch(2, 0).alter_partition;
  ASSERT_TRUE(second);
  replica.answer({first->id, AlterPartitionOutcome::kApplied, nodes({1, 2, 3}), LeaderEpoch(5), 1});
  EXPECT_EQ(replica.core.isr().size(), 1U);
  EXPECT_TRUE(replica.core.alter_partition_open());
}

TEST(ReplicationCore, AStaleWishStaysOpenUntilMetadataSettlesIt) {
  Replica replica(1);
  replica.become(registration(1, 5, 0, {1}));
  const auto wish = replica.fetch(2, 0).alter_partition;
  replica.answer({wish->id, AlterPartitionOutcome::kStale, {}, {}, 0});
  EXPECT_EQ(replica.core.maximal_isr(), nodes({1, 2}));
  replica.become(registration(1, 5, 0, {1}));
  EXPECT_TRUE(replica.core.alter_partition_open()) << "the same metadata again settles nothing";
  replica.become(registration(1, 5, 1, {1}));
  EXPECT_FALSE(replica.core.alter_partition_open());
}

TEST(ReplicationCore, AFollowersHighWatermarkFollowsItsLeaderAndFallsOnlyByTruncation) {
  Replica replica(2, {Offset(0), Offset(10), Offset(2)});
  replica.become(registration(2, 5, 0, {2, 3}));
  Effects out;
  replica.core.on_leader_high_watermark(Offset(20), out);
  EXPECT_EQ(out.high_watermark, Offset(10));
  out.clear();
  replica.core.on_leader_high_watermark(Offset(5), out);
  EXPECT_EQ(out.high_watermark, std::nullopt);
  replica.core.on_truncate(Offset(0), Offset(8), out);
  EXPECT_EQ(out.high_watermark, Offset(8));
}

TEST(ReplicationCore, LosingLeadershipAndFailingAreTold) {
  Replica replica;
  replica.become(registration(1, 5, 0, {1, 2}));
  EXPECT_EQ(replica.become(registration(2, 6, 1, {1, 2})).leadership, LeadershipChange::kLost);
  EXPECT_EQ(replica.become(registration(1, 7, 2, {1, 2})).leadership, LeadershipChange::kGained);
  EXPECT_EQ(replica.become(registration(1, 8, 3, {1, 2})).leadership, LeadershipChange::kGained) << "a new epoch";
  EXPECT_EQ(replica.become(registration(1, 8, 4, {1})).leadership, LeadershipChange::kNone);
  Effects out;
  replica.core.on_offline(out);
  EXPECT_EQ(out.leadership, LeadershipChange::kLost);
  EXPECT_EQ(replica.core.role(), Role::kNone);
}

TEST(ReplicationCore, TheLowWatermarkIsTheSmallestStartOfLiveReplicas) {
  Replica replica;
  replica.become(registration(1, 5, 0, {1, 2, 3}));
  replica.append(10);
  replica.fetch(2, 10);
  replica.fetch(3, 10);
  Effects out;
  replica.core.on_log_start(Offset(6), out);
  EXPECT_EQ(replica.core.low_watermark(replica.brokers), Offset(0));
  replica.brokers.brokers[NodeId(2)].fenced = true;
  replica.brokers.brokers.erase(NodeId(3));
  EXPECT_EQ(replica.core.low_watermark(replica.brokers), Offset(6));
}

// Inventory, section 6, line 15: acks=all with the ISR below min(min.insync.replicas, replicas) is refused before the
// append; a shrink after the append is told with the acknowledgement; acks 0 and 1 do not ask.
TEST(ReplicationCore, Semantics15AcksAllNeedsTheMinimumBeforeAndAfterTheAppend) {
  Replica replica(2);
  replica.become(registration(1, 5, 0, {1}));
  EXPECT_FALSE(replica.core.enough_replicas()) << "NOT_ENOUGH_REPLICAS";
  EXPECT_EQ(replica.core.effective_min_isr(), 2);

  replica.become(registration(1, 5, 1, {1, 2}));
  EXPECT_TRUE(replica.core.enough_replicas());
  replica.append(10);
  EXPECT_EQ(replica.core.ack_status(Offset(10)), AckStatus::kWaiting);
  replica.fetch(2, 10);
  EXPECT_EQ(replica.core.ack_status(Offset(10)), AckStatus::kReached);
  replica.become(registration(1, 5, 2, {1}));
  EXPECT_EQ(replica.core.ack_status(Offset(10)), AckStatus::kTooFewAfterAppend) << "NOT_ENOUGH_REPLICAS_AFTER_APPEND";
  EXPECT_FALSE(replica.core.enough_replicas());

  replica.append(20);  // acks 0 and 1 append all the same
  EXPECT_EQ(replica.core.log_end(), Offset(20));
}

// Inventory, section 6, line 16: the high watermark does not advance while the ISR is below its minimum (KIP-966), nor
// past a caught-up replica that is about to join (maximal ISR).
TEST(ReplicationCore, Semantics16TheHighWatermarkStandsStillBelowTheMinimum) {
  Replica replica(2);
  replica.become(registration(1, 5, 0, {1}));
  EXPECT_EQ(replica.append(10).high_watermark, std::nullopt);
  replica.now += kLag + 1;
  EXPECT_EQ(replica.tick().high_watermark, std::nullopt);

  const auto wish = replica.fetch(2, 10).alter_partition;
  ASSERT_TRUE(wish);
  EXPECT_EQ(replica.core.high_watermark(), Offset(0)) << "joining, but the controller has not confirmed it";
  EXPECT_EQ(
      replica.answer({wish->id, AlterPartitionOutcome::kApplied, nodes({1, 2}), LeaderEpoch(5), 1}).high_watermark,
      Offset(10));
}

TEST(ReplicationCore, Semantics16TheHighWatermarkDoesNotPassAReplicaAboutToJoin) {
  Replica replica(1);
  replica.become(registration(1, 5, 0, {1}));
  replica.append(10);
  EXPECT_EQ(replica.core.high_watermark(), Offset(10));
  const auto wish = replica.fetch(2, 10).alter_partition;
  ASSERT_TRUE(wish);
  EXPECT_EQ(replica.append(15).high_watermark, std::nullopt) << "the controller may have let it in already";
  EXPECT_EQ(replica.fetch(2, 15).high_watermark, Offset(15));

  // Caught up, but no wish can be sent for it: another one is open.
  EXPECT_EQ(replica.fetch(3, 15).alter_partition, std::nullopt);
  replica.fetch(2, 15);
  EXPECT_EQ(replica.append(20).high_watermark, std::nullopt);
  EXPECT_EQ(replica.fetch(2, 20).high_watermark, std::nullopt) << "the third holds it back as well";
  EXPECT_EQ(replica.fetch(3, 20).high_watermark, Offset(20));
}

}  // namespace
}  // namespace moldau::replication

#include "raft/core/quorum.h"

#include <gtest/gtest.h>

namespace moldau::raft {
namespace {

class Fixed final : public RandomSource {
 public:
  std::uint64_t next() override { return 0; }
};

Voter voter(int id, std::uint16_t port = 9093) {
  Voter result;
  result.key = {NodeId(id), {7, static_cast<std::uint64_t>(id)}};
  result.listeners = {{"CONTROLLER", "localhost", port}};
  return result;
}

Quorum::Restored fresh(std::vector<Voter> voters) {
  VoterHistory history;
  history.add(kNoOffset, {kKraftVersionDynamic, VoterSet(std::move(voters))});
  LogSummary log;
  log.add_snapshot({});
  return {std::nullopt, std::move(log), std::move(history)};
}

template <class E>
std::vector<E> of(const Effects& effects) {
  std::vector<E> found;
  for (const Effect& effect : effects) {
    if (const auto* what = std::get_if<E>(&effect.what)) {
      found.push_back(*what);
    }
  }
  return found;
}

TEST(Quorum, SoleVoterLeadsEpochOneAtFirstStartAndWritesTheVoterSet) {
  Fixed random;
  Effects effects;
  Quorum quorum(voter(1), {}, fresh({voter(1)}));
  quorum.start(Millis(5), random, effects);
  EXPECT_EQ(quorum.role(), Role::kLeader);
  const auto appends = of<AppendEpochStart>(effects);
  ASSERT_EQ(appends.size(), 1U);
  EXPECT_EQ(appends[0].epoch, LeaderEpoch{1});
  EXPECT_EQ(appends[0].base, Offset{0});
  ASSERT_TRUE(appends[0].voter_change.has_value());
  EXPECT_EQ(appends[0].voter_change->kraft_version, kKraftVersionDynamic);
  EXPECT_EQ(quorum.log().end(), Offset{3});
  const auto persists = of<Persist>(effects);
  ASSERT_FALSE(persists.empty());
  EXPECT_EQ(persists.back().record, (ElectionRecord{LeaderEpoch{1}, NodeId{1}, {}}));
}

TEST(Quorum, HoldsEveryEffectOfALeadershipBehindItsPersist) {
  Fixed random;
  Effects effects;
  Quorum quorum(voter(1), {}, fresh({voter(1)}));
  quorum.start(Millis(0), random, effects);
  const PersistTicket last = of<Persist>(effects).back().ticket;
  for (const Effect& effect : effects) {
    if (std::holds_alternative<AppendEpochStart>(effect.what)) {
      EXPECT_EQ(effect.after, last);
    }
  }
}

TEST(Quorum, CommitsNothingBeforeTheOwnLogIsDurable) {
  Fixed random;
  Effects effects;
  Quorum quorum(voter(1), {}, fresh({voter(1)}));
  quorum.start(Millis(0), random, effects);
  effects.clear();
  EXPECT_EQ(quorum.propose(LeaderEpoch{1}, 4, Millis(1), effects), Offset{3});
  EXPECT_TRUE(of<HighWatermarkMoved>(effects).empty());
  quorum.step(LogSynced{Offset{3}, 0}, Millis(2), random, effects);
  EXPECT_EQ(of<HighWatermarkMoved>(effects).at(0).offset, Offset{3});
  quorum.step(LogSynced{Offset{7}, 0}, Millis(3), random, effects);
  EXPECT_EQ(quorum.high_watermark(), Offset{7});
}

TEST(Quorum, RefusesToAppendUnderAnotherEpoch) {
  Fixed random;
  Effects effects;
  Quorum quorum(voter(1), {}, fresh({voter(1)}));
  EXPECT_EQ(quorum.propose(LeaderEpoch{0}, 1, Millis(0), effects).error(), ProposeRefusal::kNotLeader);
  quorum.start(Millis(0), random, effects);
  EXPECT_EQ(quorum.propose(LeaderEpoch{0}, 1, Millis(0), effects).error(), ProposeRefusal::kNotLeader);
  EXPECT_EQ(quorum.propose(LeaderEpoch{2}, 1, Millis(0), effects).error(), ProposeRefusal::kNotLeader);
}

TEST(Quorum, RestartedLeaderLeadsANewEpochAndLeavesTheVoterSetAlone) {
  Fixed random;
  Effects effects;
  VoterHistory history;
  history.add(kNoOffset, {kKraftVersionDynamic, VoterSet({voter(1)})});
  history.add(Offset{1}, {kKraftVersionDynamic, {}});
  history.add(Offset{2}, {{}, VoterSet({voter(1)})});
  auto log =
      LogSummary::restore(Offset{0}, Offset{20}, {{LeaderEpoch{1}, Offset{0}}}, OffsetAndEpoch{}, OffsetAndEpoch{});
  ASSERT_TRUE(log.has_value());
  Quorum quorum(voter(1), {}, {ElectionRecord{LeaderEpoch{1}, NodeId{1}, {}}, *log, history});
  quorum.start(Millis(0), random, effects);
  const auto appends = of<AppendEpochStart>(effects);
  ASSERT_EQ(appends.size(), 1U);
  EXPECT_EQ(appends[0].epoch, LeaderEpoch{2});
  EXPECT_EQ(appends[0].base, Offset{20});
  EXPECT_FALSE(appends[0].voter_change.has_value());
  EXPECT_EQ(quorum.log().end(), Offset{21});
}

TEST(Quorum, RestartedLeaderWithANewEndpointWritesTheVoterSetAnew) {
  Fixed random;
  Effects effects;
  VoterHistory history;
  history.add(Offset{1}, {kKraftVersionDynamic, {}});
  history.add(Offset{2}, {{}, VoterSet({voter(1)})});
  auto log =
      LogSummary::restore(Offset{0}, Offset{20}, {{LeaderEpoch{1}, Offset{0}}}, OffsetAndEpoch{}, OffsetAndEpoch{});
  Quorum quorum(voter(1, 19093), {}, {ElectionRecord{LeaderEpoch{1}, NodeId{1}, {}}, *log, history});
  quorum.start(Millis(0), random, effects);
  const auto append = of<AppendEpochStart>(effects).at(0);
  ASSERT_TRUE(append.voter_change.has_value());
  EXPECT_EQ(append.voter_change->voters->find(NodeId{1})->listeners.at(0).port, 19093);
  EXPECT_EQ(quorum.voters().voters_offset(), Offset{22});
}

TEST(Quorum, StaticVotersWriteNoVoterSet) {
  Fixed random;
  Effects effects;
  Voter by_config = voter(1);
  by_config.key.directory_id = kZeroUuid;
  Quorum quorum(voter(1), {}, {std::nullopt, {}, VoterHistory(VoterSet({by_config}))});
  quorum.start(Millis(0), random, effects);
  EXPECT_FALSE(of<AppendEpochStart>(effects).at(0).voter_change.has_value());
  EXPECT_EQ(quorum.log().end(), Offset{1});
}

TEST(Quorum, TakesTheEpochOfTheLogWhenTheVoteFileIsBehind) {
  Fixed random;
  Effects effects;
  Quorum::Restored restored = fresh({voter(1), voter(2), voter(3)});
  restored.election = ElectionRecord{LeaderEpoch{2}, NodeId{1}, {}};
  restored.log =
      *LogSummary::restore(Offset{0}, Offset{9}, {{LeaderEpoch{5}, Offset{0}}}, OffsetAndEpoch{}, OffsetAndEpoch{});
  Quorum quorum(voter(1), {}, std::move(restored));
  quorum.start(Millis(0), random, effects);
  EXPECT_EQ(quorum.role(), Role::kUnattached);
  EXPECT_EQ(quorum.record(), (ElectionRecord{LeaderEpoch{5}, kNoNode, {}}));
  EXPECT_EQ(of<Persist>(effects).back().record.epoch, LeaderEpoch{5});
}

TEST(Quorum, ResignsInItsEpochAndLeadsTheNextOneWhenAlone) {
  Fixed random;
  Effects effects;
  Quorum quorum(voter(1), {}, fresh({voter(1)}));
  quorum.start(Millis(0), random, effects);
  quorum.step(ResignRequested{LeaderEpoch{1}}, Millis(1), random, effects);
  EXPECT_EQ(quorum.role(), Role::kResigned);
  quorum.step(TimerFired{}, quorum.deadline(), random, effects);
  EXPECT_EQ(quorum.role(), Role::kLeader);
  EXPECT_EQ(quorum.epoch(), LeaderEpoch{3});  // one given up, one campaigned for
}

TEST(Quorum, SoleVoterStopsAtOnce) {
  Fixed random;
  Effects effects;
  Quorum quorum(voter(1), {}, fresh({voter(1)}));
  quorum.start(Millis(0), random, effects);
  EXPECT_FALSE(quorum.shutdown_complete());
  quorum.step(ShutdownRequested{}, Millis(1), random, effects);
  EXPECT_TRUE(quorum.shutdown_complete());
  EXPECT_EQ(quorum.propose(LeaderEpoch{1}, 1, Millis(1), effects).error(), ProposeRefusal::kNotLeader);
}

TEST(Quorum, RefusesASecondVoteInTheSameEpoch) {
  Fixed random;
  Effects effects;
  Quorum quorum(voter(1), {}, fresh({voter(1), voter(2), voter(3)}));
  quorum.start(Millis(0), random, effects);
  effects.clear();
  VoteRequest request{LeaderEpoch{4}, voter(2).key, voter(1).key, {}, false};
  quorum.step(RequestReceived{1, request}, Millis(1), random, effects);
  request.candidate = voter(3).key;
  quorum.step(RequestReceived{2, request}, Millis(2), random, effects);
  const auto replies = of<Reply>(effects);
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_TRUE(std::get<VoteResponse>(replies[0].response).granted);
  EXPECT_FALSE(std::get<VoteResponse>(replies[1].response).granted);
  EXPECT_EQ(quorum.record().voted, voter(2).key);
}

TEST(Quorum, AdoptsAHigherEpochEvenIfTheVoteWasMeantForAnother) {
  Fixed random;
  Effects effects;
  Quorum quorum(voter(1), {}, fresh({voter(1), voter(2), voter(3)}));
  quorum.start(Millis(0), random, effects);
  effects.clear();
  const VoteRequest request{LeaderEpoch{4}, voter(2).key, {NodeId{1}, {9, 9}}, {}, false};
  quorum.step(RequestReceived{1, request}, Millis(1), random, effects);
  EXPECT_EQ(std::get<VoteResponse>(of<Reply>(effects).at(0).response).error, RaftError::kInvalidVoterKey);
  EXPECT_EQ(quorum.epoch(), LeaderEpoch{4});
  EXPECT_FALSE(quorum.record().has_voted());
}

TEST(LogSummary, FindsWhereLogsPart) {
  const auto log =
      *LogSummary::restore(Offset{0}, Offset{30}, {{LeaderEpoch{1}, Offset{0}}, {LeaderEpoch{4}, Offset{10}}},
                           OffsetAndEpoch{}, OffsetAndEpoch{});
  using Match = LogSummary::Match;
  EXPECT_EQ(log.validate(Offset{0}, LeaderEpoch{0}).match, Match::kValid);
  EXPECT_EQ(log.validate(Offset{10}, LeaderEpoch{1}).match, Match::kValid);
  EXPECT_EQ(log.validate(Offset{11}, LeaderEpoch{1}).match, Match::kDiverging);
  EXPECT_EQ(log.validate(Offset{12}, LeaderEpoch{3}).at, (OffsetAndEpoch{Offset{10}, LeaderEpoch{1}}));
  EXPECT_EQ(log.truncation_point({Offset{7}, LeaderEpoch{1}}), Offset{7});
  EXPECT_EQ(log.truncation_point({Offset{40}, LeaderEpoch{4}}), Offset{30});
}

TEST(LogSummary, SendsAReplicaBelowTheLogStartToTheSnapshot) {
  const OffsetAndEpoch old{Offset{10}, LeaderEpoch{2}};
  const OffsetAndEpoch latest{Offset{20}, LeaderEpoch{2}};
  const auto log = *LogSummary::restore(Offset{10}, Offset{30}, {{LeaderEpoch{2}, Offset{10}}}, old, latest);
  EXPECT_EQ(log.validate(Offset{9}, LeaderEpoch{2}).match, LogSummary::Match::kSnapshot);
  EXPECT_EQ(log.validate(Offset{9}, LeaderEpoch{2}).at, latest);
  EXPECT_EQ(log.validate(Offset{10}, LeaderEpoch{2}).match, LogSummary::Match::kValid);
  EXPECT_EQ(log.validate(Offset{10}, LeaderEpoch{1}).match, LogSummary::Match::kSnapshot);
}

TEST(LogSummary, RefusesPartsThatContradictEachOther) {
  EXPECT_FALSE(LogSummary::restore(Offset{5}, Offset{9}, {}, {}, {}).has_value());
  EXPECT_FALSE(LogSummary::restore(Offset{5}, Offset{9}, {}, OffsetAndEpoch{}, OffsetAndEpoch{}).has_value());
  EXPECT_FALSE(
      LogSummary::restore(Offset{0}, Offset{9}, {{LeaderEpoch{2}, Offset{0}}, {LeaderEpoch{1}, Offset{4}}}, {}, {})
          .has_value());
  EXPECT_FALSE(LogSummary::restore(Offset{9}, Offset{5}, {}, {}, {}).has_value());
}

TEST(VoterHistory, KeepsWhatHeldAtEachOffset) {
  VoterHistory history(VoterSet({voter(1)}));
  EXPECT_EQ(history.voters().size(), 1U);
  EXPECT_FALSE(history.voters_offset().has_value());
  history.add(Offset{4}, {kKraftVersionDynamic, VoterSet({voter(1), voter(2)})});
  history.add(Offset{9}, {{}, VoterSet({voter(1), voter(2), voter(3)})});
  EXPECT_EQ(history.voters().size(), 3U);
  EXPECT_EQ(history.voters_at(Offset{8})->size(), 2U);
  EXPECT_FALSE(history.voters_at(Offset{3}).has_value());
  history.truncate_from(Offset{9});
  EXPECT_EQ(history.voters().size(), 2U);
  history.truncate_from(Offset{0});
  EXPECT_EQ(history.voters().size(), 1U);
  EXPECT_EQ(history.kraft_version(), kKraftVersionStatic);
}

}  // namespace
}  // namespace moldau::raft

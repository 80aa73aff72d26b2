// One replica against peers that say anything: no message may break an invariant.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "raft/core/quorum.h"

namespace moldau::raft {
namespace {

class Input final : public RandomSource {
 public:
  Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

  [[nodiscard]] bool empty() const noexcept { return at_ == end_; }
  [[nodiscard]] std::uint8_t byte() noexcept { return empty() ? 0 : *at_++; }
  [[nodiscard]] std::uint64_t next() override { return byte(); }
  // Mostly small numbers around what the replica knows, at times absurd ones.
  [[nodiscard]] std::int64_t number() noexcept {
    const std::uint8_t kind = byte();
    if (kind < 230) {
      return kind % 23;
    }
    std::int64_t value = 0;
    for (int i = 0; i < 8; ++i) {
      value = (value << 8) | byte();
    }
    return kind < 240 ? -(value & 0xFF) : value;
  }
  [[nodiscard]] NodeId node() noexcept { return NodeId(static_cast<std::int32_t>(number() % 6)); }
  [[nodiscard]] LeaderEpoch epoch() noexcept { return LeaderEpoch(static_cast<std::int32_t>(number() % 1'000'000)); }
  [[nodiscard]] OffsetAndEpoch log_end() noexcept { return {Offset(number()), epoch()}; }
  [[nodiscard]] ReplicaKey replica() noexcept {
    const NodeId id = node();
    const std::uint8_t directory = byte();
    return {id, {directory < 200 ? std::uint64_t{7} : 0, directory < 200 ? static_cast<std::uint64_t>(id.value()) : 0}};
  }
  void head(ResponseHead& head) noexcept {
    head.error = static_cast<RaftError>(byte() < 200 ? 0 : byte() % 7);
    head.epoch = epoch();
    head.leader = byte() < 128 ? kNoNode : node();
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

Request any_request(Input& in) {
  switch (in.byte() % 4) {
    case 0: {
      const LeaderEpoch epoch = in.epoch();
      return VoteRequest{epoch, in.replica(), in.byte() < 128 ? ReplicaKey{} : in.replica(), in.log_end(),
                         in.byte() < 128};
    }
    case 1: {
      const LeaderEpoch epoch = in.epoch();
      return BeginQuorumEpochRequest{epoch, in.node(), in.byte() < 128 ? ReplicaKey{} : in.replica()};
    }
    case 2: {
      EndQuorumEpochRequest end{in.epoch(), in.node(), {}};
      for (int i = in.byte() % 5; i > 0; --i) {
        end.preferred_successors.push_back(in.replica());
      }
      return end;
    }
    default: {
      FetchRequest fetch{in.epoch(), in.replica(), Offset(in.number()), in.epoch(), Offset(in.number()), {}};
      fetch.max_wait = Millis(in.number() % 5'000);
      return fetch;
    }
  }
}

Response any_response(Input& in) {
  switch (in.byte() % 4) {
    case 0: {
      VoteResponse vote;
      in.head(vote);
      vote.granted = in.byte() < 200;
      return vote;
    }
    case 1: {
      BeginQuorumEpochResponse begin;
      in.head(begin);
      return begin;
    }
    case 2: {
      EndQuorumEpochResponse end;
      in.head(end);
      return end;
    }
    default: {
      FetchResponse fetch;
      in.head(fetch);
      fetch.high_watermark = Offset(in.number());
      if (const std::uint8_t kind = in.byte(); kind > 240) {
        fetch.diverging = in.log_end();
      } else if (kind > 225) {
        fetch.snapshot = in.log_end();
      }
      for (int i = in.byte() % 4; i > 0; --i) {
        BatchSummary batch;
        batch.base = Offset(in.number());
        batch.last = batch.base + in.number() % 5;
        batch.epoch = in.epoch();
        fetch.batches.push_back(std::move(batch));
      }
      return fetch;
    }
  }
}

void run(Input& in) {
  std::vector<Voter> voters;
  const int count = 1 + in.byte() % 4;
  for (int id = 1; id <= count; ++id) {
    Voter voter;
    voter.key = {NodeId(id), {7, static_cast<std::uint64_t>(id)}};
    voters.push_back(std::move(voter));
  }
  Voter self;
  self.key = {NodeId(in.byte() < 230 ? 1 : 5), {7, in.byte() < 230 ? std::uint64_t{1} : 5}};
  VoterHistory history;
  history.add(kNoOffset, {kKraftVersionDynamic, VoterSet(std::move(voters))});
  LogSummary log;
  log.add_snapshot({});
  Quorum quorum(std::move(self), QuorumConfig{}, {std::nullopt, std::move(log), std::move(history)});

  Instant now{0};
  Effects effects;
  quorum.start(now, in, effects);
  RequestId last_fetch = 0;
  std::uint64_t truncations = 0;
  LeaderEpoch epoch{0};
  Offset high_watermark{0};
  while (!in.empty()) {
    for (const Effect& effect : effects) {
      if (const auto* send = std::get_if<Send>(&effect.what);
          send != nullptr && std::holds_alternative<FetchRequest>(send->request)) {
        last_fetch = send->id;
      }
      truncations += std::holds_alternative<Truncate>(effect.what) ? 1 : 0;
    }
    MOLDAU_ASSERT(quorum.epoch() >= epoch && quorum.high_watermark() >= high_watermark);
    epoch = quorum.epoch();
    high_watermark = quorum.high_watermark();
    effects.clear();
    switch (in.byte() % 8) {
      case 0: now += Millis(in.byte() * 20); [[fallthrough]];
      case 1: quorum.step(TimerFired{}, now, in, effects); break;
      case 2: quorum.step(LogSynced{quorum.log().end(), truncations}, now, in, effects); break;
      case 3: quorum.step(RequestReceived{1, any_request(in)}, now, in, effects); break;
      case 4:
        quorum.step(ResponseReceived{in.node(), in.byte() < 200 ? last_fetch : 0, any_response(in)}, now, in, effects);
        break;
      case 5:
        (void)quorum.propose(in.byte() < 200 ? quorum.epoch() : in.epoch(), 1 + in.byte() % 3, now, effects);
        break;
      case 6: {
        const OffsetAndEpoch id{quorum.high_watermark(), quorum.log().last_epoch()};
        if (quorum.can_snapshot(id)) {
          quorum.step(SnapshotWritten{id}, now, in, effects);
        }
        break;
      }
      default:
        if (const std::uint8_t what = in.byte(); what < 80) {
          quorum.step(RequestFailed{in.node(), last_fetch}, now, in, effects);
        } else if (what < 160) {
          quorum.step(ResignRequested{quorum.epoch()}, now, in, effects);
        } else if (what < 164) {
          quorum.step(ShutdownRequested{}, now, in, effects);
        }
        break;
    }
  }
}

}  // namespace
}  // namespace moldau::raft

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moldau::raft::Input input(data, size);
  moldau::raft::run(input);
  return 0;
}

#include "raft/core/testing/describe.h"

#include <fmt/format.h>

namespace moldau::raft::testing {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

const char* text(RaftError error) {
  switch (error) {
    case RaftError::kNone: return "ok";
    case RaftError::kFencedLeaderEpoch: return "FENCED_LEADER_EPOCH";
    case RaftError::kUnknownLeaderEpoch: return "UNKNOWN_LEADER_EPOCH";
    case RaftError::kNotLeaderOrFollower: return "NOT_LEADER_OR_FOLLOWER";
    case RaftError::kInvalidRequest: return "INVALID_REQUEST";
    case RaftError::kInvalidVoterKey: return "INVALID_VOTER_KEY";
    case RaftError::kBrokerNotAvailable: return "BROKER_NOT_AVAILABLE";
  }
  return "?";
}

std::string text(OffsetAndEpoch at) {
  return fmt::format("{}@{}", at.offset.value(), at.epoch.value());
}

std::string text(const std::vector<NodeId>& ids) {
  std::string out;
  for (const NodeId id : ids) {
    out += fmt::format("{}{}", out.empty() ? "" : ",", id.value());
  }
  return out;
}

std::string head(const char* name, const ResponseHead& head) {
  return fmt::format("{} {} epoch={} leader={}", name, text(head.error), head.epoch.value(), head.leader.value());
}

}  // namespace

std::string describe(const Persist& persist) {
  return fmt::format("persist epoch={} leader={} voted={}", persist.record.epoch.value(), persist.record.leader.value(),
                     persist.record.voted.id.value());
}

std::string describe(const Request& request) {
  return std::visit(
      Overloaded{
          [](const VoteRequest& vote) {
            return fmt::format("{} epoch={} log={}", vote.pre_vote ? "pre-vote" : "vote", vote.epoch.value(),
                               text(vote.log_end));
          },
          [](const BeginQuorumEpochRequest& begin) { return fmt::format("begin-epoch epoch={}", begin.epoch.value()); },
          [](const EndQuorumEpochRequest& end) {
            std::vector<NodeId> ids;
            for (const ReplicaKey& key : end.preferred_successors) {
              ids.push_back(key.id);
            }
            return fmt::format("end-epoch epoch={} successors={}", end.epoch.value(), text(ids));
          },
          [](const FetchRequest& fetch) {
            return fmt::format("fetch epoch={} from={} hw={}", fetch.epoch.value(),
                               text(OffsetAndEpoch{fetch.fetch_offset, fetch.last_fetched_epoch}),
                               fetch.high_watermark.value());
          },
      },
      request);
}

std::string describe(const Response& response) {
  return std::visit(Overloaded{
                        [](const VoteResponse& vote) { return head(vote.granted ? "granted" : "not-granted", vote); },
                        [](const BeginQuorumEpochResponse& begin) { return head("begun", begin); },
                        [](const EndQuorumEpochResponse& end) { return head("ended", end); },
                        [](const FetchResponse& fetch) {
                          std::string line = head("fetched", fetch);
                          if (fetch.diverging) {
                            return line + " diverging=" + text(*fetch.diverging);
                          }
                          if (fetch.snapshot) {
                            return line + " snapshot=" + text(*fetch.snapshot);
                          }
                          if (fetch.error == RaftError::kNone) {
                            line += fmt::format(" records=[{},{}) hw={}", fetch.records_from.value(),
                                                fetch.records_upto.value(), fetch.high_watermark.value());
                          }
                          return line;
                        },
                    },
                    response);
}

std::string describe(const Effect& effect) {
  return std::visit(
      Overloaded{
          [](const Persist& persist) { return describe(persist); },
          [](const Send& send) { return fmt::format("to {}: {}", send.to.value(), describe(send.request)); },
          [](const Reply& reply) { return "answer: " + describe(reply.response); },
          [](const AppendEpochStart& append) {
            return fmt::format("append leader-change epoch={} at={} voters={} granting={}{}", append.epoch.value(),
                               append.base.value(), text(append.voters), text(append.granting),
                               append.voter_change ? " and the voter set" : "");
          },
          [](const AppendProposed& append) {
            return fmt::format("append {} records epoch={} at={}", append.record_count, append.epoch.value(),
                               append.base.value());
          },
          [](const AppendFetched& append) { return fmt::format("append {} fetched batches", append.batch_count); },
          [](const Truncate& truncate) { return fmt::format("truncate to={}", truncate.end.value()); },
          [](const FetchSnapshot& fetch) { return "load snapshot " + text(fetch.id); },
          [](const HighWatermarkMoved& moved) { return fmt::format("high watermark {}", moved.offset.value()); },
          [](const LeaderChanged& changed) {
            return fmt::format("leader {} in epoch {}", changed.leader.value(), changed.epoch.value());
          },
          [](const Complaint& complaint) {
            return fmt::format("complaint about {}: {}", complaint.peer.value(), complaint.what);
          },
      },
      effect.what);
}

}  // namespace moldau::raft::testing

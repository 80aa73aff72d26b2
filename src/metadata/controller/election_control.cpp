#include "metadata/controller/election_control.h"

#include "base/assert.h"

namespace moldau::metadata {
namespace {

ApiError with_default_message(ErrorCode code) {
  return {code, std::string(default_message(code))};
}

}  // namespace

// The elections of one request: its records, and what they make of the partitions.
class ElectionControl::Round {
 public:
  Round(const ControllerState& state, bool unclean) : state_(state), unclean_(unclean) {}

  [[nodiscard]] ApiError elect(const Topic& topic, const TopicRules& rules, PartitionIndex index) {
    const TopicIdPartition id{topic.id, index};
    const auto changed = changed_.find(id);
    const PartitionRegistration* partition = changed != changed_.end() ? &changed->second : topic.partition(index);
    if (partition == nullptr) {
      return {ErrorCode::kUnknownTopicOrPartition,
              "there is no partition " + std::to_string(index.value()) + " of topic '" + topic.name + "'"};
    }
    if (unclean_ ? partition->has_leader() : partition->leader == partition->preferred_replica()) {
      return with_default_message(ErrorCode::kElectionNotNeeded);
    }
    const LeaderAcceptor acceptor{*state_.image};
    auto record = PartitionChangeBuilder(*partition, rules, acceptor)
                      .election(unclean_ ? Election::kUnclean : Election::kPreferred)
                      .build(topic.id, index);
    if (!record) {
      return with_default_message(unclean_ ? ErrorCode::kEligibleLeadersNotAvailable
                                           : ErrorCode::kPreferredLeaderNotAvailable);
    }
    auto merged = partition->merged(*record);
    MOLDAU_ASSERT(merged.has_value());
    changed_.insert_or_assign(id, *std::move(merged));
    records_.push_back({*std::move(record), partition_change_record_version(state_.version())});
    return {};
  }

  [[nodiscard]] LeadersElected elect_all(const Topic& topic) {
    LeadersElected answer{topic.name, {}};
    const TopicRules rules = state_.rules_of(topic);
    for (const auto& partition : topic.partitions) {
      ApiError error = elect(topic, rules, partition.key);
      if (error.code != ErrorCode::kElectionNotNeeded) {
        answer.partitions.push_back({partition.key, std::move(error)});
      }
    }
    return answer;
  }

  [[nodiscard]] LeadersElected elect_named(const ElectLeaders::Topic& asked) {
    LeadersElected answer{asked.name, {}};
    const Topic* topic = state_.image->topic(asked.name);
    const std::optional<TopicRules> rules = topic == nullptr ? std::nullopt : std::optional(state_.rules_of(*topic));
    for (const PartitionIndex index : asked.partitions) {
      answer.partitions.push_back({index, topic == nullptr ? ApiError{ErrorCode::kUnknownTopicOrPartition,
                                                                      "there is no topic '" + asked.name + "'"}
                                                           : elect(*topic, *rules, index)});
    }
    return answer;
  }

  [[nodiscard]] RecordBatch& records() noexcept { return records_; }

 private:
  const ControllerState& state_;
  const bool unclean_;
  RecordBatch records_;
  std::map<TopicIdPartition, PartitionRegistration> changed_;
};

Decision<std::vector<LeadersElected>> ElectionControl::elect(const ElectLeaders& request) const {
  if (request.type != kPreferredElection && request.type != kUncleanElection) {
    return refuse(ErrorCode::kInvalidRequest, "there is no election type " + std::to_string(request.type));
  }
  ControllerResult<std::vector<LeadersElected>> result;
  Round round(state_, request.type == kUncleanElection);
  if (request.topics) {
    for (const ElectLeaders::Topic& topic : *request.topics) {
      result.response.push_back(round.elect_named(topic));
    }
  } else {
    for (const auto& topic : state_.image->topic_names()) {
      result.response.push_back(round.elect_all(*state_.image->topic(topic.value)));
    }
  }
  if (round.records().size() > kRecordsPerOperationMax) {
    return refuse(ErrorCode::kPolicyViolation, "the request changes too many leaders");
  }
  result.records = std::move(round.records());
  return result;
}

}  // namespace moldau::metadata

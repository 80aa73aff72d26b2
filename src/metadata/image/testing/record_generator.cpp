#include "metadata/image/testing/record_generator.h"

namespace moldau::metadata::testing {

using namespace records;

AnyMetadataRecord RecordGenerator::next() {
  ++sequence_;
  if (!started_) {
    started_ = true;
    FeatureLevelRecord record;
    record.name = "metadata.version";
    record.feature_level = 30;
    return record;
  }
  switch (below(10)) {
    case 0:
    case 1: return broker();
    case 2:
    case 3:
    case 4:
    case 5: return topic();
    case 6: return access();
    case 7: return NoOpRecord{};
    default: return setting();
  }
}

AnyMetadataRecord RecordGenerator::broker() {
  const auto id = static_cast<std::int32_t>(below(5));
  const auto known = brokers_.find(id);
  if (known == brokers_.end() || below(4) == 0) {
    brokers_[id] = sequence_;
    RegisterBrokerRecord record;
    record.broker_id = id;
    record.broker_epoch = sequence_;
    record.incarnation_id = uuid();
    record.end_points.push_back({"PLAINTEXT", "127.0.0.1", static_cast<std::uint16_t>(9000 + id), 0, {}});
    record.features.push_back({"metadata.version", 7, 30, {}});
    record.rack = below(2) == 0 ? std::nullopt : std::optional<std::string>(name("rack", 3));
    record.log_dirs.push_back(uuid());
    return record;
  }
  const std::int64_t epoch = known->second;
  switch (below(6)) {
    case 0: {
      UnregisterBrokerRecord record;
      record.broker_id = id;
      record.broker_epoch = epoch;
      brokers_.erase(known);
      return record;
    }
    case 1: {
      FenceBrokerRecord record;
      record.id = id;
      record.epoch = epoch;
      return record;
    }
    case 2: {
      UnfenceBrokerRecord record;
      record.id = id;
      record.epoch = epoch;
      return record;
    }
    case 3: {
      RegisterControllerRecord record;
      record.controller_id = 3000 + id;
      record.incarnation_id = uuid();
      record.end_points.push_back({"CONTROLLER", "127.0.0.1", 9093, 0, {}});
      return record;
    }
    default: {
      BrokerRegistrationChangeRecord record;
      record.broker_id = id;
      record.broker_epoch = epoch;
      record.fenced = static_cast<std::int8_t>(static_cast<int>(below(3)) - 1);
      record.in_controlled_shutdown = static_cast<std::int8_t>(below(2));
      if (below(2) == 0) {
        record.cordoned_log_dirs.emplace();
      }
      return record;
    }
  }
}

AnyMetadataRecord RecordGenerator::topic() {
  if (topics_.empty() || below(8) == 0) {
    TopicRecord record;
    record.topic_id = uuid();
    record.name = "topic" + std::string(below(2) == 0 ? "." : "-") + std::to_string(sequence_);
    topics_[record.topic_id] = {record.name, 0};
    return record;
  }
  auto chosen = topics_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(below(topics_.size())));
  auto& [id, state] = *chosen;
  switch (below(12)) {
    case 0: {
      RemoveTopicRecord record;
      record.topic_id = id;
      topics_.erase(chosen);
      return record;
    }
    case 1: {
      ClearElrRecord record;
      record.topic_name = below(2) == 0 ? "" : state.name;
      return record;
    }
    case 2: {
      ConfigRecord record;
      record.resource_type = 2;
      record.resource_name = state.name;
      record.name = name("key.", 3);
      record.value = below(3) == 0 ? std::nullopt : std::optional<std::string>(name("value", 100));
      return record;
    }
    default: break;
  }
  if (state.partitions == 0 || below(3) == 0) {
    PartitionRecord record;
    record.partition_id = state.partitions++;
    record.topic_id = id;
    record.replicas = {1, 2, 3};
    record.isr = {1, 2, 3};
    record.leader = static_cast<std::int32_t>(1 + below(3));
    record.leader_epoch = 0;
    record.partition_epoch = 0;
    record.directories = {uuid(), uuid(), uuid()};
    return record;
  }
  PartitionChangeRecord record;
  record.partition_id = static_cast<std::int32_t>(below(static_cast<std::uint64_t>(state.partitions)));
  record.topic_id = id;
  switch (below(3)) {
    case 0:
      record.isr.emplace();
      record.leader = -1;
      record.eligible_leader_replicas = {1, 2};
      record.last_known_elr = {3};
      break;
    case 1:
      record.isr = {2};
      record.leader = 2;
      record.eligible_leader_replicas = {1, 3};
      record.leader_recovery_state = static_cast<std::int8_t>(below(2));
      break;
    default:
      record.isr = {1, 2, 3};
      record.leader = static_cast<std::int32_t>(1 + below(3));
      record.eligible_leader_replicas.emplace();
      record.last_known_elr.emplace();
      record.directories = {uuid(), uuid(), uuid()};
      break;
  }
  return record;
}

AnyMetadataRecord RecordGenerator::access() {
  switch (below(6)) {
    case 0:
      if (!acls_.empty()) {
        RemoveAccessControlEntryRecord record;
        record.id = acls_.back();
        acls_.pop_back();
        return record;
      }
      [[fallthrough]];
    case 1: {
      AccessControlEntryRecord record;
      record.id = uuid();
      record.resource_type = 2;
      record.resource_name = name("topic", 9);
      record.pattern_type = 3;
      record.principal = "User:" + name("u", 5);
      record.host = "*";
      record.operation = 3;
      record.permission_type = 3;
      acls_.push_back(record.id);
      return record;
    }
    case 2: {
      UserScramCredentialRecord record;
      record.name = name("user", 4);
      record.mechanism = static_cast<std::int8_t>(1 + below(2));
      record.salt = {std::byte{1}};
      record.stored_key = {std::byte{2}};
      record.server_key = {std::byte{3}};
      record.iterations = 4096;
      return record;
    }
    case 3: {
      RemoveUserScramCredentialRecord record;
      record.name = name("user", 4);
      record.mechanism = static_cast<std::int8_t>(1 + below(2));
      return record;
    }
    case 4: {
      DelegationTokenRecord record;
      record.owner = "User:" + name("u", 5);
      record.requester = record.owner;
      record.renewers = {"User:r"};
      record.issue_timestamp = sequence_;
      record.token_id = name("token", 6);
      return record;
    }
    default: {
      RemoveDelegationTokenRecord record;
      record.token_id = name("token", 6);
      return record;
    }
  }
}

AnyMetadataRecord RecordGenerator::setting() {
  switch (below(5)) {
    case 0: {
      FeatureLevelRecord record;
      record.name = below(2) == 0 ? "group.version" : "eligible.leader.replicas.version";
      record.feature_level = record.name == "group.version" ? static_cast<std::int16_t>(below(2)) : std::int16_t{1};
      return record;
    }
    case 1: {
      ClientQuotaRecord record;
      record.entity.push_back({"user", below(3) == 0 ? std::nullopt : std::optional<std::string>(name("u", 3)), {}});
      record.key = name("producer_byte_rate", 2);
      record.value = static_cast<double>(below(1000));
      record.remove = below(3) == 0;
      return record;
    }
    case 2: {
      ProducerIdsRecord record;
      record.broker_id = 1;
      record.broker_epoch = 5;
      record.next_producer_id = sequence_ * 1000;
      return record;
    }
    case 3: {
      ZkMigrationStateRecord record;
      return record;
    }
    default: {
      ConfigRecord record;
      record.resource_type = 4;
      record.resource_name = below(2) == 0 ? "" : "1";
      record.name = name("broker.key", 4);
      record.value = below(3) == 0 ? std::nullopt : std::optional<std::string>(name("value", 100));
      return record;
    }
  }
}

}  // namespace moldau::metadata::testing

// moldau topic create | list | describe | alter | delete: one request or two over a connection, the answer as a table
// or as JSON.
//
// Shard:  the connection's.
// Result: kExitDone if everything asked for was done, else kExitRefused with one line a refusal in `errors`; what was
//         done all the same is in `output`.
// Source: kafka-topics.sh. Differences: names instead of patterns; tables.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/core/broker_connection.h"
#include "runtime/task.h"
#include "tools/output/command_result.h"

namespace moldau::tools {

struct CreateTopicsOptions {
  std::vector<std::string> names;
  std::int32_t partitions = -1;          // -1: as the broker is configured
  std::int16_t replication_factor = -1;  // the same
  std::vector<std::pair<std::string, std::string>> configs;
  bool if_not_exists = false;  // a topic that is there already is no refusal
  bool json = false;
};

struct ListTopicsOptions {
  bool internal = false;  // with those that the cluster keeps for itself
  bool json = false;
};

struct DescribeTopicsOptions {
  std::vector<std::string> names;  // none: all but the internal ones
  bool json = false;
};

struct AlterTopicsOptions {
  std::vector<std::string> names;
  std::int32_t partitions = 0;  // that each is to have, more than it has
  bool json = false;
};

struct DeleteTopicsOptions {
  std::vector<std::string> names;
  bool if_exists = false;  // a topic that is not there is no refusal
  bool json = false;
};

[[nodiscard]] runtime::Task<CommandResult> create_topics(client::BrokerConnection& broker, CreateTopicsOptions options);
[[nodiscard]] runtime::Task<CommandResult> list_topics(client::BrokerConnection& broker, ListTopicsOptions options);
[[nodiscard]] runtime::Task<CommandResult> describe_topics(client::BrokerConnection& broker,
                                                           DescribeTopicsOptions options);
[[nodiscard]] runtime::Task<CommandResult> alter_topics(client::BrokerConnection& broker, AlterTopicsOptions options);
[[nodiscard]] runtime::Task<CommandResult> delete_topics(client::BrokerConnection& broker, DeleteTopicsOptions options);

}  // namespace moldau::tools

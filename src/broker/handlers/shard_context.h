// What the handlers of one shard are given. References only; the node that assembles a shard owns everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/log.h"
#include "broker/net/connection.h"
#include "broker/partitions/append_turns.h"
#include "broker/partitions/operation_set.h"
#include "broker/partitions/partition_router.h"
#include "broker/session/fetch_session.h"
#include "protocol/record/scratch.h"
#include "runtime/shard.h"

namespace moldau::broker {

// What the data-path handlers need of the configuration; plain numbers, fixed for the life of the node.
struct HandlerLimits {
  std::int32_t fetch_bytes_max = 57'671'680;                    // fetch.max.bytes
  std::size_t decompressed_bytes_max = std::size_t{100} << 20;  // moldau.decompressed.batch.bytes.max
  std::int32_t described_partitions_max = 2000;                 // max.request.partition.size.limit
  // No advertised.listeners was set: clients are told the address at which they reached us (architecture D11).
  bool advertise_local_address = false;
};

struct ShardContext {
  runtime::Shard& shard;
  Logger& logger;
  NodeId self;
  PartitionRouter& router;
  OperationSet& operations;
  AppendTurns& append_turns;
  record::Scratch& scratch;
  FetchSessionCache& sessions;
  HandlerLimits limits;
};

// Topics that only the broker itself writes to.
[[nodiscard]] bool is_internal_topic(std::string_view name) noexcept;

// The endpoint at which a client of this connection's listener reaches the broker; nullopt if it has none there.
struct NodeAddress {
  std::string_view host;
  std::int32_t port = 0;
  std::optional<std::string_view> rack;
};
[[nodiscard]] std::optional<NodeAddress> address_of(const ShardContext& context,
                                                    const metadata::BrokerRegistration& broker,
                                                    const ConnectionInfo& connection);
// The same for a node that must be alive; nullopt if it is not, or if the connection has gone.
[[nodiscard]] std::optional<NodeAddress> live_address_of(const ShardContext& context, NodeId node,
                                                         const ConnectionInfo* connection);

}  // namespace moldau::broker

// Produce v3-v13: appends one batch to each partition, answers by acks.
//
// Answers:    per partition; a request that does not decode closes the connection. acks=0 is never answered: an error
//             closes the connection, the only signal there is (G1).
//             A partition that is named twice counts once. An unreadable batch refuses the whole request.
// Order:      batches of one connection reach a partition in the order of their requests, also while the partition's
//             owner is being asked for.
// Durability: acks=1: in the leader's log; acks=all: replicated and, by moldau.acks.all.sync, on the disk (G3, G4).
// Source:     KafkaApis.handleProduceRequest; inventory §6, 9-21. Difference: a transactional batch is refused with
//             INVALID_TXN_STATE until there is a transaction coordinator.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/handlers/shard_context.h"
#include "broker/partitions/append_part.h"
#include "broker/partitions/scatter.h"
#include "broker/request/dispatcher.h"
#include "protocol/messages/produce_request.h"

namespace moldau::broker {

class ProduceHandler final : public Handler {
 public:
  // `peers` are the contexts of all shards by index, for partitions that live elsewhere.
  ProduceHandler(ShardContext& context, const std::vector<ShardContext*>& peers);

  void handle(Request request) override;

 private:
  struct Pending;
  struct Waiting {
    std::shared_ptr<Pending> pending;
    std::optional<Owners> owners;  // nullopt: being asked for
  };

  void judge(Pending& pending);
  void find_and_append(const std::shared_ptr<Pending>& pending, std::vector<TopicIdPartition> ids);
  void on_owners(const std::shared_ptr<Pending>& pending, const Owners& owners);
  // The oldest of the connection, once its owners are known.
  [[nodiscard]] std::optional<Waiting> take_ready(ConnectionId connection);
  void append(const std::shared_ptr<Pending>& pending, const Owners& owners);
  void on_part_done(Pending& pending, std::vector<AppendOutcome> outcomes);
  void answer(Pending& pending);

  ShardContext& context_;
  const std::vector<ShardContext*>& peers_;
  // By connection, oldest first: from a request whose owners are being asked for on. Kept when the connection closes:
  // what arrived whole is appended. Bound: Connection::kUnansweredMax a connection.
  std::unordered_map<ConnectionId, std::deque<Waiting>> waiting_;
};

}  // namespace moldau::broker

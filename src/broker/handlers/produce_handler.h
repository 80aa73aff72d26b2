// Produce v3-v13: appends one batch to each partition, answers by acks.
//
// Answers:    per partition; a request that does not decode closes the connection. acks=0 is never answered: an error
//             closes the connection, the only signal there is (G1).
// Durability: acks=1: in the leader's log; acks=all: replicated and, by moldau.acks.all.sync, on the disk (G3, G4).
// Source:     KafkaApis.handleProduceRequest; inventory §6, 9-21. Difference: a transactional batch is refused with
//             INVALID_TXN_STATE until there is a transaction coordinator.
#pragma once

#include <memory>
#include <vector>

#include "broker/handlers/shard_context.h"
#include "broker/partitions/append_part.h"
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
  void append(const std::shared_ptr<Pending>& pending, const std::vector<std::optional<std::uint32_t>>& owners);
  void on_part_done(Pending& pending, std::vector<AppendOutcome> outcomes);
  void answer(Pending& pending);

  ShardContext& context_;
  const std::vector<ShardContext*>& peers_;
};

}  // namespace moldau::broker

// OffsetForLeaderEpoch v2-v4: where a leader epoch ended, so that clients and replicas can find a divergence.
//
// Answers: per partition: the largest epoch not above the one asked for and its end; -1 and -1 if there is none.
// Source:  KafkaApis.handleOffsetForLeaderEpochRequest; KIP-101, 279, 320; inventory §6, 42.
#pragma once

#include <vector>

#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class OffsetForLeaderEpochHandler final : public Handler {
 public:
  OffsetForLeaderEpochHandler(ShardContext& context, const std::vector<ShardContext*>& peers)
      : context_(context), peers_(peers) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
  const std::vector<ShardContext*>& peers_;
};

}  // namespace moldau::broker

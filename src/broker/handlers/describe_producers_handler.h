// DescribeProducers v0: who wrote to a partition lately, with what sequence, and whether a transaction is open.
//
// Answers: any replica here answers, leader or not. kInvalidTopicException, kUnknownTopicOrPartition,
//          kNotLeaderOrFollower (no replica here), kKafkaStorageError. A partition named twice is answered twice.
// Source:  KafkaApis.handleDescribeProducersRequest, Partition.activeProducerState; KIP-664. Producers come by id.
#pragma once

#include <vector>

#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class DescribeProducersHandler final : public Handler {
 public:
  DescribeProducersHandler(ShardContext& context, const std::vector<ShardContext*>& peers)
      : context_(context), peers_(peers) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
  const std::vector<ShardContext*>& peers_;
};

}  // namespace moldau::broker

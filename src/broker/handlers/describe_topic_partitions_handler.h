// DescribeTopicPartitions v0: topics and their partitions by name, a bounded number of partitions an answer.
//
// Answers: names in order, from the cursor on; where an answer is full, the cursor to go on from. Without names: all
//          topics. A cursor whose topic is not among the names, or whose partition is negative: kInvalidRequest for
//          all.
// Bound:   max.request.partition.size.limit partitions, or fewer if the client says so, at least one; as many missing
//          topics as were named.
// Source:  DescribeTopicPartitionsRequestHandler, KRaftMetadataCache.describeTopicResponse; KIP-966. Differences: the
//          empty name is an invalid topic (Kafka fails inside without a cursor); a cursor behind the end of its topic
//          goes on with the next one (Kafka's sum overflows for the largest).
#pragma once

#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class DescribeTopicPartitionsHandler final : public Handler {
 public:
  explicit DescribeTopicPartitionsHandler(ShardContext& context) : context_(context) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
};

}  // namespace moldau::broker

// DeleteRecords v0-v2: moves the log start of partitions up to an offset, or to the high watermark (-1).
//
// Answers:    per partition, once the new log start is durable (G11).
// Source:     KafkaApis.handleDeleteRecordsRequest; KIP-107; inventory §6, 43; bad-input 82.
#pragma once

#include <vector>

#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class DeleteRecordsHandler final : public Handler {
 public:
  DeleteRecordsHandler(ShardContext& context, const std::vector<ShardContext*>& peers)
      : context_(context), peers_(peers) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
  const std::vector<ShardContext*>& peers_;
};

}  // namespace moldau::broker

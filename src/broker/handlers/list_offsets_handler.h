// ListOffsets v1-v11: offsets by timestamp, down to the record, or by sentinel.
//
// Answers: per partition. A partition named twice is INVALID_REQUEST; a negative timestamp without meaning is
//          UNSUPPORTED_VERSION; nothing found is offset -1 without an error.
// Source:  KafkaApis.handleListOffsetRequest; KIP-79, 207, 734, 1005; inventory §6, 40 and 41.
#pragma once

#include <vector>

#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class ListOffsetsHandler final : public Handler {
 public:
  ListOffsetsHandler(ShardContext& context, const std::vector<ShardContext*>& peers)
      : context_(context), peers_(peers) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
  const std::vector<ShardContext*>& peers_;
};

}  // namespace moldau::broker

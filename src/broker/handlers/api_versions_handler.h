// ApiVersions v0-v4: what this listener serves, and the features of the cluster.
//
// Answers: a version that we do not have in version 0 with UNSUPPORTED_VERSION and the range of ApiVersions alone; a
//          malformed software name with INVALID_REQUEST; never a closed connection but for a body that does not decode.
//          The ranges are exactly Kafka 4.3's for what is served; Produce is announced from 0, though 3 is the lowest
//          served (KAFKA-18659: librdkafka concludes wrong features otherwise).
// Source:  ApiVersionsRequest, DefaultApiVersionManager; KIP-35, 482, 511, 584; KAFKA-17011 (level-0 features).
#pragma once

#include "broker/handlers/metadata_handler.h"
#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class ApiVersionsHandler final : public Handler {
 public:
  // `dispatcher` is asked what it serves; it owns this handler.
  ApiVersionsHandler(PartitionRouter& router, const Dispatcher& dispatcher, const ClusterIdentity& identity)
      : router_(router), dispatcher_(dispatcher), identity_(identity) {}
  void handle(Request request) override;

 private:
  PartitionRouter& router_;
  const Dispatcher& dispatcher_;
  const ClusterIdentity& identity_;
};

}  // namespace moldau::broker

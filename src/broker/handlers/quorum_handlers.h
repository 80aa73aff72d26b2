// InitProducerId v0-v5 without a transactional id, and DescribeQuorum v0-v2.
//
// Answers: a transactional id gets COORDINATOR_NOT_AVAILABLE: there is no transaction coordinator in this release.
// Source:  KafkaApis.handleInitProducerIdRequest, KafkaRaftClient.handleDescribeQuorumRequest; inventory §6, 22.
#pragma once

#include "broker/handlers/controller_channel.h"
#include "broker/request/dispatcher.h"
#include "runtime/shard.h"

namespace moldau::broker {

class InitProducerIdHandler final : public Handler {
 public:
  explicit InitProducerIdHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

class DescribeQuorumHandler final : public Handler {
 public:
  DescribeQuorumHandler(ControllerChannel& controller, const runtime::Clock& clock)
      : controller_(controller), clock_(clock) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
  const runtime::Clock& clock_;
};

}  // namespace moldau::broker

// CreatePartitions v0-v3: decoded here, decided by the controller, answered when every shard has the new partitions.
//
// Source: ControllerApis.createPartitions; inventory §6, 8.
#pragma once

#include "broker/handlers/controller_channel.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class CreatePartitionsHandler final : public Handler {
 public:
  explicit CreatePartitionsHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

}  // namespace moldau::broker

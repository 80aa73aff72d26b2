// CreateTopics v2-v7 and DeleteTopics v1-v6: decoded here, decided by the controller, answered after commit and replay.
//
// Source: ControllerApis.createTopics, deleteTopics; inventory §6, 7, 8 and 47; bad-input 91-95.
#pragma once

#include "broker/handlers/controller_channel.h"
#include "broker/handlers/metadata_handler.h"
#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class CreateTopicsHandler final : public Handler {
 public:
  explicit CreateTopicsHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

class DeleteTopicsHandler final : public Handler {
 public:
  explicit DeleteTopicsHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

}  // namespace moldau::broker

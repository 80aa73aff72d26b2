// UpdateFeatures v0-v2 and UnregisterBroker v0: decoded here, decided by the controller, answered after commit.
//
// Source: ControllerApis.handleUpdateFeatures, QuorumController.updateFeatures, ControllerApis.handleUnregisterBroker;
//         KIP-584, KIP-1022.
#pragma once

#include "broker/handlers/controller_channel.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class UpdateFeaturesHandler final : public Handler {
 public:
  explicit UpdateFeaturesHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

class UnregisterBrokerHandler final : public Handler {
 public:
  explicit UnregisterBrokerHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

}  // namespace moldau::broker

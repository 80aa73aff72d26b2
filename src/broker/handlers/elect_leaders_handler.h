// ElectLeaders v0-v2: decoded here, decided by the controller, answered after commit and replay.
//
// Source: ControllerApis.handleElectLeaders; KIP-460.
#pragma once

#include "broker/handlers/controller_channel.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class ElectLeadersHandler final : public Handler {
 public:
  explicit ElectLeadersHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

}  // namespace moldau::broker

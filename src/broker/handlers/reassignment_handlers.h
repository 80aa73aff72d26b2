// AlterPartitionReassignments v0-v1 and ListPartitionReassignments v0: decoded here, decided by the controller.
//
// Source: ControllerApis.handleAlterPartitionReassignments, handleListPartitionReassignments; KIP-455, KIP-860.
#pragma once

#include "broker/handlers/controller_channel.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class AlterPartitionReassignmentsHandler final : public Handler {
 public:
  explicit AlterPartitionReassignmentsHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

class ListPartitionReassignmentsHandler final : public Handler {
 public:
  explicit ListPartitionReassignmentsHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

}  // namespace moldau::broker

// DescribeClientQuotas v0-v1 and AlterClientQuotas v0-v1.
//
// Answers: a filter is read against the metadata image; one that cannot be is INVALID_REQUEST, an entity type that is
//          none UNSUPPORTED_VERSION, without entries. Changes are the controller's: one answer for each entity.
// Source:  ClientQuotasImage.describe, ControllerApis.handleAlterClientQuotas; KIP-546, 599, 612; inventory §6, 64.
#pragma once

#include "broker/handlers/controller_channel.h"
#include "broker/partitions/partition_router.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class DescribeClientQuotasHandler final : public Handler {
 public:
  explicit DescribeClientQuotasHandler(const PartitionRouter& router) : router_(router) {}
  void handle(Request request) override;

 private:
  const PartitionRouter& router_;
};

class AlterClientQuotasHandler final : public Handler {
 public:
  explicit AlterClientQuotasHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

}  // namespace moldau::broker

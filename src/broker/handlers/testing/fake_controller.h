// A controller that answers what and when the test says.
#pragma once

#include <utility>
#include <vector>

#include "broker/handlers/controller_channel.h"

namespace moldau::broker::testing {

class FakeController final : public ControllerChannel {
 public:
  template <class Request, class Response>
  struct Asked {
    Request request;
    ControllerReply<Response> reply;
  };

  void create_topics(metadata::CreateTopics request,
                     ControllerReply<std::vector<metadata::TopicCreated>> reply) override {
    creations.push_back({std::move(request), std::move(reply)});
  }
  void delete_topics(std::vector<metadata::TopicDeletion> request,
                     ControllerReply<std::vector<metadata::TopicDeleted>> reply) override {
    deletions.push_back({std::move(request), std::move(reply)});
  }
  void alter_configs(std::vector<metadata::ResourceAlterations> request, bool /*validate_only*/,
                     ControllerReply<std::vector<metadata::ResourceOutcome>> reply) override {
    alterations.push_back({std::move(request), std::move(reply)});
  }
  void next_producer_id(ControllerReply<ProducerId> reply) override { producers.push_back(std::move(reply)); }
  void describe_quorum(ControllerReply<QuorumView> reply) override { descriptions.push_back(std::move(reply)); }
  void alter_partition(metadata::AlterPartition /*request*/,
                       ControllerReply<std::vector<metadata::AlterPartitionOutcome>> /*reply*/) override {}

  // Unanswered, oldest first.
  std::vector<Asked<metadata::CreateTopics, std::vector<metadata::TopicCreated>>> creations;
  std::vector<Asked<std::vector<metadata::TopicDeletion>, std::vector<metadata::TopicDeleted>>> deletions;
  std::vector<Asked<std::vector<metadata::ResourceAlterations>, std::vector<metadata::ResourceOutcome>>> alterations;
  std::vector<ControllerReply<ProducerId>> producers;
  std::vector<ControllerReply<QuorumView>> descriptions;
};

}  // namespace moldau::broker::testing

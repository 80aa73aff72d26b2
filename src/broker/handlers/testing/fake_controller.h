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

  void create_topics(metadata::CreateTopics request, metadata::MutationAsker asker,
                     ControllerReply<Metered<std::vector<metadata::TopicCreated>>> reply) override {
    askers.push_back(std::move(asker));
    creations.push_back({std::move(request), std::move(reply)});
  }
  void create_partitions(metadata::CreatePartitions request, metadata::MutationAsker asker,
                         ControllerReply<Metered<std::vector<metadata::PartitionsAdded>>> reply) override {
    askers.push_back(std::move(asker));
    additions.push_back({std::move(request), std::move(reply)});
  }
  void elect_leaders(metadata::ElectLeaders request,
                     ControllerReply<std::vector<metadata::LeadersElected>> reply) override {
    elections.push_back({std::move(request), std::move(reply)});
  }
  void alter_reassignments(metadata::AlterReassignments request,
                           ControllerReply<std::vector<metadata::ReassignmentsAltered>> reply) override {
    reassignments.push_back({std::move(request), std::move(reply)});
  }
  void list_reassignments(metadata::ListReassignments request,
                          ControllerReply<std::vector<metadata::OngoingReassignments>> reply) override {
    listings.push_back({std::move(request), std::move(reply)});
  }
  void update_features(metadata::UpdateFeatures request, ControllerReply<metadata::Nothing> reply) override {
    feature_updates.push_back({std::move(request), std::move(reply)});
  }
  void unregister_broker(NodeId broker, ControllerReply<metadata::Nothing> reply) override {
    unregistrations.push_back({broker, std::move(reply)});
  }
  void delete_topics(std::vector<metadata::TopicDeletion> request, metadata::MutationAsker asker,
                     ControllerReply<Metered<std::vector<metadata::TopicDeleted>>> reply) override {
    askers.push_back(std::move(asker));
    deletions.push_back({std::move(request), std::move(reply)});
  }
  void alter_configs(metadata::AlterConfigs request,
                     ControllerReply<std::vector<metadata::ResourceOutcome>> reply) override {
    alterations.push_back({std::move(request), std::move(reply)});
  }
  void alter_client_quotas(std::vector<metadata::QuotaAlteration> request, bool validate_only,
                           ControllerReply<std::vector<metadata::QuotaOutcome>> reply) override {
    quota_validations.push_back(validate_only);
    quotas.push_back({std::move(request), std::move(reply)});
  }
  void next_producer_id(ControllerReply<ProducerId> reply) override { producers.push_back(std::move(reply)); }
  void describe_quorum(ControllerReply<QuorumView> reply) override { descriptions.push_back(std::move(reply)); }
  void alter_partition(metadata::AlterPartition /*request*/,
                       ControllerReply<std::vector<metadata::AlterPartitionOutcome>> /*reply*/) override {}

  // Unanswered, oldest first.
  std::vector<Asked<metadata::CreateTopics, Metered<std::vector<metadata::TopicCreated>>>> creations;
  std::vector<Asked<metadata::CreatePartitions, Metered<std::vector<metadata::PartitionsAdded>>>> additions;
  std::vector<Asked<metadata::ElectLeaders, std::vector<metadata::LeadersElected>>> elections;
  std::vector<Asked<metadata::AlterReassignments, std::vector<metadata::ReassignmentsAltered>>> reassignments;
  std::vector<Asked<metadata::ListReassignments, std::vector<metadata::OngoingReassignments>>> listings;
  std::vector<Asked<metadata::UpdateFeatures, metadata::Nothing>> feature_updates;
  std::vector<Asked<NodeId, metadata::Nothing>> unregistrations;
  std::vector<Asked<std::vector<metadata::TopicDeletion>, Metered<std::vector<metadata::TopicDeleted>>>> deletions;
  std::vector<metadata::MutationAsker> askers;  // of those that cost a quota, as they came
  std::vector<Asked<metadata::AlterConfigs, std::vector<metadata::ResourceOutcome>>> alterations;
  std::vector<Asked<std::vector<metadata::QuotaAlteration>, std::vector<metadata::QuotaOutcome>>> quotas;
  std::vector<bool> quota_validations;  // validate_only of each in `quotas`
  std::vector<ControllerReply<ProducerId>> producers;
  std::vector<ControllerReply<QuorumView>> descriptions;
};

}  // namespace moldau::broker::testing

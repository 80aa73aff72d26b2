// The controller side of a node, on the home shard: the metadata log, the loader, the controller shell, and what this
// node's broker needs of them. ControllerLink is how other shards reach it.
//
// Shard: the home shard. Links are used on their own shards.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <unordered_map>
#include <vector>

#include "broker/handlers/controller_channel.h"
#include "broker/quota/mutation_ledger.h"
#include "metadata/loader/controller_shell.h"
#include "raft/driver/raft_client.h"
#include "runtime/shard.h"

namespace moldau::broker {

// Gives out the producer ids of a node: a block from the controller at a time (inventory §6, 30).
class ProducerIdSource {
 public:
  ProducerIdSource(metadata::ControllerShell& shell, NodeId self) : shell_(shell), self_(self) {}
  // The registration under which blocks are asked for.
  void set_broker_epoch(BrokerEpoch epoch) noexcept { epoch_ = epoch; }
  // Bound: waiting requests are bounded by the connections that ask.
  void next(ControllerReply<ProducerId> reply);

 private:
  void on_block(std::expected<metadata::ProducerIdBlock, metadata::ApiError> block);

  metadata::ControllerShell& shell_;
  NodeId self_;
  BrokerEpoch epoch_ = kNoBrokerEpoch;
  std::int64_t next_ = 0;
  std::int64_t end_ = 0;
  bool asking_ = false;
  std::deque<ControllerReply<ProducerId>> waiting_;
};

// What the links reach, all on the home shard; set once it exists, empty again when it stops.
struct ControllerTarget {
  runtime::Shard* home = nullptr;
  metadata::ControllerShell* shell = nullptr;
  ProducerIdSource* producer_ids = nullptr;
  raft::RaftClient* raft = nullptr;
  MutationLedger* mutations = nullptr;
};

// Who waits for a reply stays on the asking shard, in a table; questions, answers and a number travel.
// Bound: one entry for each request in work, which the connections bound.
class ControllerLink final : public ControllerChannel {
 public:
  // `target` is read on the home shard only.
  ControllerLink(runtime::Shard& here, const ControllerTarget& target, runtime::Shard& home)
      : here_(here), home_(home), target_(target) {}

  void create_topics(metadata::CreateTopics request, metadata::MutationAsker asker,
                     ControllerReply<Metered<std::vector<metadata::TopicCreated>>> reply) override;
  void create_partitions(metadata::CreatePartitions request, metadata::MutationAsker asker,
                         ControllerReply<Metered<std::vector<metadata::PartitionsAdded>>> reply) override;
  void delete_topics(std::vector<metadata::TopicDeletion> request, metadata::MutationAsker asker,
                     ControllerReply<Metered<std::vector<metadata::TopicDeleted>>> reply) override;
  void elect_leaders(metadata::ElectLeaders request,
                     ControllerReply<std::vector<metadata::LeadersElected>> reply) override;
  void alter_reassignments(metadata::AlterReassignments request,
                           ControllerReply<std::vector<metadata::ReassignmentsAltered>> reply) override;
  void list_reassignments(metadata::ListReassignments request,
                          ControllerReply<std::vector<metadata::OngoingReassignments>> reply) override;
  void update_features(metadata::UpdateFeatures request, ControllerReply<metadata::Nothing> reply) override;
  void unregister_broker(NodeId broker, ControllerReply<metadata::Nothing> reply) override;
  void alter_configs(metadata::AlterConfigs request,
                     ControllerReply<std::vector<metadata::ResourceOutcome>> reply) override;
  void alter_client_quotas(std::vector<metadata::QuotaAlteration> request, bool validate_only,
                           ControllerReply<std::vector<metadata::QuotaOutcome>> reply) override;
  void next_producer_id(ControllerReply<ProducerId> reply) override;
  void describe_quorum(ControllerReply<QuorumView> reply) override;
  void alter_partition(metadata::AlterPartition request,
                       ControllerReply<std::vector<metadata::AlterPartitionOutcome>> reply) override;

  // Drops who waits: their requests go. An answer that comes later finds nobody.
  void forget() { waiting_.clear(); }

 private:
  struct Waiting {
    virtual ~Waiting() = default;
  };
  template <class T>
  struct WaitingFor;

  // Runs `ask(target, back)` on the home shard; what `back` is called with reaches `reply` on this one.
  template <class T, class Ask>
  void hop(ControllerReply<T> reply, Ask ask);
  // What costs the asker's quota; `call` is the shell's own function for the request.
  template <class T, class Wish>
  void ask_metered(Wish wish, metadata::MutationAsker asker, ControllerReply<Metered<T>> reply,
                   void (metadata::ControllerShell::*call)(Wish, metadata::ControllerShell::Reply<T>,
                                                           metadata::MutationQuota*));
  // `call` is the shell's own function for the request.
  template <class T, class Request>
  void ask(Request request, ControllerReply<T> reply,
           void (metadata::ControllerShell::*call)(Request, metadata::ControllerShell::Reply<T>));
  template <class T>
  void answer(std::uint64_t number, std::expected<T, metadata::ApiError> answer);

  runtime::Shard& here_;
  runtime::Shard& home_;
  const ControllerTarget& target_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Waiting>> waiting_;
  std::uint64_t last_number_ = 0;
};

}  // namespace moldau::broker

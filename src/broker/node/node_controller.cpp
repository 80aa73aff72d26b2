#include "broker/node/node_controller.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "broker/request/request_accounts.h"

namespace moldau::broker {

using metadata::ApiError;
using protocol::ErrorCode;

void ProducerIdSource::next(ControllerReply<ProducerId> reply) {
  if (next_ < end_) {
    return reply(ProducerId(next_++));
  }
  waiting_.push_back(std::move(reply));
  if (!std::exchange(asking_, true)) {
    shell_.allocate_producer_ids(self_, epoch_, [this](std::expected<metadata::ProducerIdBlock, ApiError> block) {
      on_block(std::move(block));
    });
  }
}

void ProducerIdSource::on_block(std::expected<metadata::ProducerIdBlock, ApiError> block) {
  asking_ = false;
  if (block) {
    next_ = block->first.value();
    end_ = next_ + block->size;
  }
  for (ControllerReply<ProducerId>& reply : std::exchange(waiting_, {})) {
    if (!block) {
      // The client asks again, as it does while Kafka's broker waits for its block.
      reply(std::unexpected(ApiError{ErrorCode::kCoordinatorLoadInProgress, block.error().message}));
    } else {
      next(std::move(reply));
    }
  }
}

template <class T>
struct ControllerLink::WaitingFor final : Waiting {
  explicit WaitingFor(ControllerReply<T> waiting) : reply(std::move(waiting)) {}
  ControllerReply<T> reply;
};

template <class T, class Ask>
void ControllerLink::hop(ControllerReply<T> reply, Ask ask) {
  const std::uint64_t number = ++last_number_;
  waiting_.emplace(number, std::make_unique<WaitingFor<T>>(std::move(reply)));
  home_.post([this, number, ask = std::move(ask)]() mutable {
    ControllerReply<T> back = [this, number](std::expected<T, ApiError> told) {
      here_.post([this, number, told = std::move(told)]() mutable { answer<T>(number, std::move(told)); });
    };
    if (target_.shell == nullptr) {
      back(std::unexpected(ApiError{ErrorCode::kNotController, "this node is starting or stopping"}));
    } else {
      ask(target_, std::move(back));
    }
  });
}

template <class T>
void ControllerLink::answer(std::uint64_t number, std::expected<T, ApiError> answer) {
  const auto waiting = waiting_.extract(number);
  if (waiting) {
    static_cast<WaitingFor<T>&>(*waiting.mapped()).reply(std::move(answer));
  }
}

namespace {

// The quota of one request. What it says of holding off is read when the request is answered.
class RequestMutations final : public metadata::MutationQuota {
 public:
  RequestMutations(const ControllerTarget& target, const metadata::MutationAsker& asker)
      : ledger_(*target.mutations), asker_(asker), now_(target.home->clock().now()) {}

  [[nodiscard]] bool take(std::size_t partitions) override {
    const auto taken = ledger_.take({kAnonymous, asker_.client_id}, static_cast<double>(partitions), asker_.strict,
                                    std::chrono::floor<QuotaTime>(now_.time_since_epoch()));
    *held_off_until_ = std::max(*held_off_until_, now_ + taken.hold_off);
    return taken.given;
  }

  // The reply to give to the controller's shell.
  template <class T>
  [[nodiscard]] auto metered(const ControllerTarget& target, ControllerReply<Metered<T>> back) const {
    return [back = std::move(back), until = held_off_until_,
            &clock = target.home->clock()](std::expected<T, ApiError> told) mutable {
      if (!told) {
        return back(std::unexpected(std::move(told.error())));
      }
      const auto left = std::max(runtime::MonoTime::duration(0), *until - clock.now());
      back(Metered<T>(*std::move(told), std::chrono::ceil<QuotaTime>(left)));
    };
  }

 private:
  MutationLedger& ledger_;
  const metadata::MutationAsker& asker_;
  runtime::MonoTime now_;
  std::shared_ptr<runtime::MonoTime> held_off_until_ = std::make_shared<runtime::MonoTime>();
};

}  // namespace

template <class T, class Request>
void ControllerLink::ask(Request request, ControllerReply<T> reply,
                         void (metadata::ControllerShell::*call)(Request, metadata::ControllerShell::Reply<T>)) {
  hop<T>(std::move(reply), [call, request = std::move(request)](const ControllerTarget& target, auto back) mutable {
    (target.shell->*call)(std::move(request), std::move(back));
  });
}

template <class T, class Wish>
void ControllerLink::ask_metered(Wish wish, metadata::MutationAsker asker, ControllerReply<Metered<T>> reply,
                                 void (metadata::ControllerShell::*call)(Wish, metadata::ControllerShell::Reply<T>,
                                                                         metadata::MutationQuota*)) {
  hop<Metered<T>>(std::move(reply), [call, wish = std::move(wish), asker = std::move(asker)](
                                        const ControllerTarget& target, auto back) mutable {
    RequestMutations quota(target, asker);
    (target.shell->*call)(std::move(wish), quota.metered<T>(target, std::move(back)), &quota);
  });
}

void ControllerLink::create_topics(metadata::CreateTopics request, metadata::MutationAsker asker,
                                   ControllerReply<Metered<std::vector<metadata::TopicCreated>>> reply) {
  ask_metered(std::move(request), std::move(asker), std::move(reply), &metadata::ControllerShell::create_topics);
}

void ControllerLink::create_partitions(metadata::CreatePartitions request, metadata::MutationAsker asker,
                                       ControllerReply<Metered<std::vector<metadata::PartitionsAdded>>> reply) {
  ask_metered(std::move(request), std::move(asker), std::move(reply), &metadata::ControllerShell::create_partitions);
}

void ControllerLink::delete_topics(std::vector<metadata::TopicDeletion> request, metadata::MutationAsker asker,
                                   ControllerReply<Metered<std::vector<metadata::TopicDeleted>>> reply) {
  ask_metered(std::move(request), std::move(asker), std::move(reply), &metadata::ControllerShell::delete_topics);
}

void ControllerLink::elect_leaders(metadata::ElectLeaders request,
                                   ControllerReply<std::vector<metadata::LeadersElected>> reply) {
  ask(std::move(request), std::move(reply), &metadata::ControllerShell::elect_leaders);
}

void ControllerLink::alter_reassignments(metadata::AlterReassignments request,
                                         ControllerReply<std::vector<metadata::ReassignmentsAltered>> reply) {
  ask(std::move(request), std::move(reply), &metadata::ControllerShell::alter_reassignments);
}

void ControllerLink::list_reassignments(metadata::ListReassignments request,
                                        ControllerReply<std::vector<metadata::OngoingReassignments>> reply) {
  ask(std::move(request), std::move(reply), &metadata::ControllerShell::list_reassignments);
}

void ControllerLink::update_features(metadata::UpdateFeatures request, ControllerReply<metadata::Nothing> reply) {
  ask(std::move(request), std::move(reply), &metadata::ControllerShell::update_features);
}

void ControllerLink::unregister_broker(NodeId broker, ControllerReply<metadata::Nothing> reply) {
  ask(broker, std::move(reply), &metadata::ControllerShell::unregister_broker);
}

void ControllerLink::alter_configs(metadata::AlterConfigs request,
                                   ControllerReply<std::vector<metadata::ResourceOutcome>> reply) {
  hop<std::vector<metadata::ResourceOutcome>>(
      std::move(reply), [request = std::move(request)](const ControllerTarget& target, auto back) mutable {
        if (request.replaces_all) {
          target.shell->alter_configs_legacy(std::move(request.resources), request.validate_only, std::move(back));
        } else {
          target.shell->alter_configs(std::move(request.resources), request.validate_only, std::move(back));
        }
      });
}

void ControllerLink::alter_client_quotas(std::vector<metadata::QuotaAlteration> request, bool validate_only,
                                         ControllerReply<std::vector<metadata::QuotaOutcome>> reply) {
  hop<std::vector<metadata::QuotaOutcome>>(std::move(reply), [request = std::move(request), validate_only](
                                                                 const ControllerTarget& target, auto back) mutable {
    target.shell->alter_client_quotas(std::move(request), validate_only, std::move(back));
  });
}

void ControllerLink::alter_partition(metadata::AlterPartition request,
                                     ControllerReply<std::vector<metadata::AlterPartitionOutcome>> reply) {
  ask(std::move(request), std::move(reply), &metadata::ControllerShell::alter_partition);
}

void ControllerLink::next_producer_id(ControllerReply<ProducerId> reply) {
  hop<ProducerId>(std::move(reply),
                  [](const ControllerTarget& target, auto back) { target.producer_ids->next(std::move(back)); });
}

void ControllerLink::describe_quorum(ControllerReply<QuorumView> reply) {
  hop<QuorumView>(std::move(reply), [](const ControllerTarget& target, auto back) {
    const raft::RaftClient& raft = *target.raft;
    if (raft.quorum().leader_progress() == nullptr) {
      return back(std::unexpected(ApiError{ErrorCode::kNotLeaderOrFollower, {}}));
    }
    QuorumView view{.leader = raft.leader(),
                    .leader_epoch = raft.leader_epoch(),
                    .high_watermark = raft.high_watermark(),
                    .log_end = raft.next_offset()};
    for (const raft::Voter& voter : raft.quorum().voters().voters().voters()) {
      auto& out = view.voters.emplace_back();
      out.id = voter.key.id;
      out.directory_id = voter.key.directory_id;
      for (const raft::ListenerEndpoint& endpoint : voter.listeners) {
        out.listeners.push_back({endpoint.name, endpoint.host, endpoint.port});
      }
    }
    back(std::move(view));
  });
}

}  // namespace moldau::broker

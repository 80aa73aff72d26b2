// Asks the owner shards one question for each of many partitions and brings the answers together.
//
// `Question` is a value with an `id` (TopicIdPartition). `done(answers)` runs on the asking shard, one answer per
// question in order; nullopt: not hosted by this node (hosted and not readable: refused, if an Answer can be). `Ask` is
// copied to each shard; it captures values only. The questions that are out belong to the shard's OperationSet: if it
// is given up, `done` is destroyed unrun, there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "broker/handlers/shard_context.h"
#include "broker/partitions/scatter.h"
#include "protocol/errors/error_code.h"

namespace moldau::broker {

// The questions that are out and the answers that came back; lives on the asking shard until `done` has run.
template <class Answer, class Question, class Done>
class Gathering final : public Operation {
 public:
  Gathering(OperationSet& operations, std::vector<Question> questions, Done done)
      : operations_(operations),
        questions_(std::move(questions)),
        answers_(questions_.size()),
        done_(std::move(done)) {}

  [[nodiscard]] const Question& question(std::size_t index) const { return questions_[index]; }
  [[nodiscard]] std::vector<TopicIdPartition> ids() const {
    std::vector<TopicIdPartition> ids;
    ids.reserve(questions_.size());
    for (const Question& question : questions_) {
      ids.push_back(question.id);
    }
    return ids;
  }

  // `expect` before each thing that is asked, `arrived` once it was answered; the last arrival ends this and runs
  // `done`. The caller of `arrived` holds a reference.
  void expect() { ++expected_; }
  void take(std::size_t index, std::optional<Answer> answer) { answers_[index] = std::move(answer); }
  void take_nowhere(std::size_t index, protocol::ErrorCode why) {
    if constexpr (requires { (typename Answer::error_type{why}); }) {
      if (why != protocol::ErrorCode::kNotLeaderOrFollower) {
        answers_[index] = std::unexpected(typename Answer::error_type{why});
      }
    }
  }
  void arrived() {
    MOLDAU_ASSERT(expected_ > 0);
    if (--expected_ == 0) {
      operations_.release(*this);
      done_(std::move(answers_));
    }
  }

 private:
  OperationSet& operations_;
  std::vector<Question> questions_;
  std::vector<std::optional<Answer>> answers_;
  std::size_t expected_ = 0;
  Done done_;
};

// Finds the owners and calls `ask_shard(state, shard, indexes of its questions)` for each, on the asking shard.
template <class State, class AskShard>
void gather_by_owner(ShardContext& context, const std::shared_ptr<State>& state, std::size_t shards,
                     AskShard ask_shard) {
  const std::weak_ptr<State> weak = context.operations.hold(state);
  find_owners(context.router, state->ids(), [weak, shards, ask_shard, &router = context.router](const Owners& owners) {
    const std::shared_ptr<State> asking = weak.lock();
    if (!asking) {
      return;
    }
    std::vector<std::vector<std::size_t>> by_shard(shards);
    for (std::size_t i = 0; i < owners.size(); ++i) {
      if (owners[i]) {
        by_shard[*owners[i]].push_back(i);
      } else {
        asking->take_nowhere(i, router.why_nowhere(asking->question(i).id));
      }
    }
    asking->expect();  // this function itself, so that nothing ends before every shard was asked
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      if (!by_shard[shard].empty()) {
        ask_shard(*asking, shard, by_shard[shard]);
      }
    }
    asking->arrived();
  });
}

// `ask(partition, question)` runs on the owner's shard and gives a value `Answer` at once. One hop per shard.
template <class Answer, class Question, class Ask, class Done>
void gather(ShardContext& context, const std::vector<ShardContext*>& peers, std::vector<Question> questions, Ask ask,
            Done done) {
  using State = Gathering<Answer, Question, Done>;
  using Asked = std::vector<std::pair<std::size_t, Question>>;
  using Answered = std::vector<std::pair<std::size_t, std::optional<Answer>>>;
  const auto answer_all = [ask](ShardContext& at, const Asked& asked) {
    Answered answered;
    answered.reserve(asked.size());
    for (const auto& [index, question] : asked) {
      replication::Partition* partition = at.router.local(question.id);
      answered.emplace_back(index,
                            partition == nullptr ? std::nullopt : std::optional<Answer>(ask(*partition, question)));
    }
    return answered;
  };
  const auto take_all = [](State& state, Answered answered) {
    for (auto& [index, answer] : answered) {
      state.take(index, std::move(answer));
    }
    state.arrived();
  };
  const auto state = std::make_shared<State>(context.operations, std::move(questions), std::move(done));
  const std::weak_ptr<State> weak = state;
  gather_by_owner(
      context, state, peers.size(),
      [&context, &peers, weak, answer_all, take_all](State& asking, std::uint32_t shard,
                                                     const std::vector<std::size_t>& indexes) {
        Asked asked;
        asked.reserve(indexes.size());
        for (const std::size_t index : indexes) {
          asked.emplace_back(index, asking.question(index));
        }
        asking.expect();
        if (shard == context.shard.index()) {
          take_all(asking, answer_all(context, asked));
          return;
        }
        ShardContext* here = &context;
        ShardContext* peer = peers[shard];
        peer->shard.post([here, peer, weak, answer_all, take_all, asked = std::move(asked)]() mutable {
          here->shard.post([weak = std::move(weak), take_all, answered = answer_all(*peer, asked)]() mutable {
            if (const auto waiting = weak.lock()) {
              take_all(*waiting, std::move(answered));
            }
          });
        });
      });
}

// The same for questions that are answered later: `ask(partition, question, reply)` calls `reply(answer)` once, on the
// owner's shard, now or in a later turn.
template <class Answer, class Question, class Ask, class Done>
void gather_later(ShardContext& context, const std::vector<ShardContext*>& peers, std::vector<Question> questions,
                  Ask ask, Done done) {
  using State = Gathering<Answer, Question, Done>;
  const auto state = std::make_shared<State>(context.operations, std::move(questions), std::move(done));
  const std::weak_ptr<State> weak = state;
  gather_by_owner(
      context, state, peers.size(),
      [&context, &peers, weak, ask](State& asking, std::uint32_t shard, const std::vector<std::size_t>& indexes) {
        ShardContext* here = &context;
        ShardContext* peer = peers[shard];
        for (const std::size_t i : indexes) {
          asking.expect();
          // Posted for the own shard too: one path, and the answers never arrive inside the question.
          peer->shard.post([here, peer, ask, weak, i, question = asking.question(i)]() mutable {
            auto reply = [here, weak = std::move(weak), i](std::optional<Answer> answer) mutable {
              here->shard.post([weak = std::move(weak), i, answer = std::move(answer)]() mutable {
                if (const auto waiting = weak.lock()) {
                  waiting->take(i, std::move(answer));
                  waiting->arrived();
                }
              });
            };
            replication::Partition* partition = peer->router.local(question.id);
            if (partition == nullptr) {
              reply(std::nullopt);
            } else {
              ask(*partition, question, std::move(reply));
            }
          });
        }
      });
}

}  // namespace moldau::broker

// Asks the owner shards one immediate question for each of many partitions and brings the answers together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/handlers/shard_context.h"
#include "broker/partitions/scatter.h"

namespace moldau::broker {

// `Question` is a value with an `id` (TopicIdPartition). `ask(partition, question)` runs on the owner's shard and gives
// a value `Answer`. `done(answers)` runs here, one answer per question in order; nullopt: not hosted by this node.
// `Ask` is copied to each shard; it captures values only.
template <class Answer, class Question, class Ask, class Done>
void gather(ShardContext& context, const std::vector<ShardContext*>& peers, std::vector<Question> questions, Ask ask,
            Done done) {
  struct State {
    std::vector<Question> questions;
    std::vector<std::optional<Answer>> answers;
    std::size_t shards_left = 0;
    Done done;
    State(std::vector<Question> q, Done d) : questions(std::move(q)), answers(questions.size()), done(std::move(d)) {}
  };
  using Indexed = std::vector<std::pair<std::size_t, Question>>;
  using Answered = std::vector<std::pair<std::size_t, std::optional<Answer>>>;

  std::vector<TopicIdPartition> ids;
  ids.reserve(questions.size());
  for (const Question& question : questions) {
    ids.push_back(question.id);
  }
  auto state = std::make_shared<State>(std::move(questions), std::move(done));
  find_owners(context.router, std::move(ids), [&context, &peers, state, ask](const Owners& owners) {
    const auto answer_all = [ask](ShardContext& at, const Indexed& items) {
      Answered answered;
      for (const auto& [index, question] : items) {
        replication::Partition* partition = at.router.local(question.id);
        answered.emplace_back(index,
                              partition == nullptr ? std::nullopt : std::optional<Answer>(ask(*partition, question)));
      }
      return answered;
    };
    const auto take = [state](Answered answered) {
      for (auto& [index, answer] : answered) {
        state->answers[index] = std::move(answer);
      }
      if (--state->shards_left == 0) {
        state->done(std::move(state->answers));
      }
    };
    std::vector<Indexed> by_shard(peers.size());
    for (std::size_t i = 0; i < owners.size(); ++i) {
      if (owners[i]) {
        by_shard[*owners[i]].emplace_back(i, state->questions[i]);
      }
    }
    state->shards_left = 1;  // this function itself, so that nothing ends before every shard was asked
    for (std::uint32_t shard = 0; shard < by_shard.size(); ++shard) {
      if (by_shard[shard].empty()) {
        continue;
      }
      ++state->shards_left;
      if (shard == context.shard.index()) {
        take(answer_all(context, by_shard[shard]));
        continue;
      }
      ShardContext* here = &context;
      ShardContext* peer = peers[shard];
      peer->shard.post([here, peer, answer_all, take, items = std::move(by_shard[shard])]() mutable {
        here->shard.post(
            [take = std::move(take), answered = answer_all(*peer, items)]() mutable { take(std::move(answered)); });
      });
    }
    take({});
  });
}

// The same for questions that are answered later: `ask(partition, question, reply)` calls `reply(answer)` once, on the
// owner's shard, now or in a later turn.
template <class Answer, class Question, class Ask, class Done>
void gather_later(ShardContext& context, const std::vector<ShardContext*>& peers, std::vector<Question> questions,
                  Ask ask, Done done) {
  struct State {
    std::vector<Question> questions;
    std::vector<std::optional<Answer>> answers;
    std::size_t left = 0;
    Done done;
    State(std::vector<Question> q, Done d) : questions(std::move(q)), answers(questions.size()), done(std::move(d)) {}
    void count_down() {
      if (--left == 0) {
        done(std::move(answers));
      }
    }
  };
  std::vector<TopicIdPartition> ids;
  for (const Question& question : questions) {
    ids.push_back(question.id);
  }
  auto state = std::make_shared<State>(std::move(questions), std::move(done));
  find_owners(context.router, std::move(ids), [&context, &peers, state, ask](const Owners& owners) {
    state->left = 1;  // this function itself
    for (std::size_t i = 0; i < owners.size(); ++i) {
      if (!owners[i]) {
        continue;
      }
      ++state->left;
      ShardContext* here = &context;
      ShardContext* peer = peers[*owners[i]];
      // Posted for the own shard too: one path, and the answers never arrive inside the question.
      peer->shard.post([here, peer, ask, state, i, question = state->questions[i]]() mutable {
        auto reply = [here, state = std::move(state), i](std::optional<Answer> answer) mutable {
          here->shard.post([state = std::move(state), i, answer = std::move(answer)]() mutable {
            state->answers[i] = std::move(answer);
            state->count_down();
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
    state->count_down();
  });
}

}  // namespace moldau::broker

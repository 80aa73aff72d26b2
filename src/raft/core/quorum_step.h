// Private to raft/core: the arguments of one step of Quorum.
#pragma once

#include <utility>

#include "raft/core/quorum.h"

namespace moldau::raft {

struct Quorum::Step {
  Instant now;
  RandomSource& random;
  Effects& out;
  const PersistTicket& after;

  template <class E>
  void emit(E effect) {
    out.push_back({after, std::move(effect)});
  }
};

template <class R>
R Quorum::head(RaftError error) const {
  R response;
  response.error = error;
  response.epoch = record_.epoch;
  response.leader = record_.leader;
  return response;
}

}  // namespace moldau::raft

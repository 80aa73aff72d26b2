// Random events, also impossible ones, into one replica's core: no assert fires, the high watermark never falls without
// a truncation.
#include <cstdlib>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "replication/core/replication_core.h"

using namespace moldau;
using namespace moldau::replication;

namespace {

class Input {
 public:
  Input(const unsigned char* data, std::size_t size) : data_(data), size_(size) {}
  [[nodiscard]] bool empty() const { return at_ >= size_; }
  int next() { return at_ < size_ ? data_[at_++] : 0; }
  int below(int bound) { return next() % bound; }

 private:
  const unsigned char* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

class Brokers final : public BrokerView {
 public:
  std::optional<BrokerStatus> status(NodeId broker) const override {
    const auto index = static_cast<std::size_t>(broker.value());
    return index < 5 ? known[index] : std::nullopt;
  }
  std::optional<BrokerStatus> known[5];
};

std::vector<NodeId> some_nodes(Input& input) {
  std::vector<NodeId> nodes;
  const int mask = input.next();
  for (int id = 0; id < 5; ++id) {
    if ((mask >> id & 1) != 0) {
      nodes.emplace_back(id);
    }
  }
  return nodes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Input input(data, size);
  Brokers brokers;
  std::int64_t start = input.below(4);
  std::int64_t end = start + input.below(8);
  ReplicationCore core(NodeId(1), {Offset(start), Offset(end), Offset(input.below(16))}, 1 + input.below(4), 100);
  MonoMs now = 0;
  while (!input.empty()) {
    now += input.below(64);
    Effects out;
    const Offset before = core.high_watermark();
    bool may_fall = false;
    switch (input.below(11)) {
      case 0: {
        PartitionRegistration registration;
        registration.replicas = some_nodes(input);
        registration.isr = some_nodes(input);
        registration.elr = some_nodes(input);
        registration.leader = NodeId(input.below(5));
        registration.leader_epoch = core.leader_epoch() + (input.below(3) - 1);
        registration.partition_epoch = core.partition_epoch() + input.below(3) - 1;
        (void)core.on_registration(registration, brokers, now, out);
        break;
      }
      case 1: {
        const auto id = static_cast<std::size_t>(input.below(5));
        brokers.known[id] = BrokerStatus{BrokerEpoch(input.below(4)), input.below(2) == 0, input.below(4) == 0};
        core.on_brokers(brokers, now, out);
        break;
      }
      case 2: core.on_min_isr(1 + input.below(5), brokers, now, out); break;
      case 3:
        end += input.below(5);
        core.on_append(Offset(end), brokers, now, out);
        break;
      case 4:
        start += input.below(static_cast<int>(end - start) + 1);
        core.on_log_start(Offset(start), out);
        break;
      case 5:
        if (!core.is_leader()) {
          end = start + input.below(static_cast<int>(end - start) + 1);
          may_fall = true;
          core.on_truncate(Offset(start), Offset(end), out);
        }
        break;
      case 6: core.on_leader_high_watermark(Offset(input.next()), out); break;
      case 7:
      case 8: {
        const FollowerFetch fetch{NodeId(input.below(5)), BrokerEpoch(input.below(5) - 1),
                                  core.leader_epoch() + (input.below(8) == 0 ? 1 : 0), Offset(input.next()),
                                  Offset(input.below(8))};
        (void)core.on_follower_fetch(fetch, brokers, now, out);
        break;
      }
      case 9: {
        AlterPartitionAnswer answer;
        answer.id = static_cast<std::uint64_t>(input.below(16));
        answer.outcome = static_cast<AlterPartitionOutcome>(input.below(4));
        answer.isr = some_nodes(input);
        answer.leader_epoch = core.leader_epoch();
        answer.partition_epoch = core.partition_epoch() + input.below(3) - 1;
        core.on_alter_partition_answer(answer, brokers, now, out);
        break;
      }
      default:
        core.on_tick(brokers, now, out);
        if (input.below(32) == 0) {
          core.on_offline(out);
        }
    }
    core.check_invariants();
    if (core.high_watermark() < before && !may_fall) {
      std::abort();
    }
  }
  return 0;
}

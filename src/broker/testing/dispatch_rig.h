// One shard's connections with the real dispatcher behind them, and a made-up handler for every API of a broker: it
// decodes the body, and answers with a response of default values, at once or when told to.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/net/connection_table.h"
#include "broker/request/dispatcher.h"
#include "broker/testing/fake_net.h"
#include "broker/testing/table_rig.h"
#include "runtime/testing/manual_shard.h"

namespace moldau::broker::testing {

// What the handlers saw, and what they hold.
struct Seen {
  struct Entry {
    std::int16_t key = 0;
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
    std::string client_id;
  };
  std::vector<Entry> requests;  // those that decoded
  std::deque<Request> held;
  bool hold = false;
};

// Answers `request` with default values, an unsupported version of it (ApiVersions) in version 0.
void answer_by_default(Request& request);

class DispatchRig {
 public:
  explicit DispatchRig(const ConnectionTable::Config& config = {}, ListenerKind kind = ListenerKind::kBroker);
  DispatchRig(const DispatchRig&) = delete;
  DispatchRig& operator=(const DispatchRig&) = delete;
  ~DispatchRig();

  std::shared_ptr<FakePeer> connect();
  void settle();

  [[nodiscard]] Seen& seen() noexcept { return seen_; }
  [[nodiscard]] ManualShard& shard() noexcept { return shard_; }
  [[nodiscard]] Dispatcher& dispatcher() noexcept { return dispatcher_; }
  [[nodiscard]] ConnectionTable& table() noexcept { return table_; }

 private:
  NullLogger logger_;
  ManualShard shard_;
  FakeNetwork network_;
  Seen seen_;
  Dispatcher dispatcher_;
  ConnectionTable table_;
};

}  // namespace moldau::broker::testing

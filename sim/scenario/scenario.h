// One broker and one client for tests that tell a story step by step: each call runs the simulated world until it is
// answered.
//
//   Scenario scenario(7);
//   scenario.start();
//   scenario.call(request, 12, [&](const auto& response) { EXPECT_EQ(response.error_code, 0); });
//   scenario.crash(CrashKind::kPowerCut);
//   scenario.start();
//
// Errors: what does not come about in kPatience of virtual time throws std::runtime_error, which fails the test.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "protocol/errors/error_code.h"
#include "sim/cluster/broker_program.h"
#include "sim/workload/rpc_channel.h"
#include "sim/world/simulation.h"

namespace moldau::sim {

class Scenario {
 public:
  static constexpr std::chrono::seconds kPatience{20};

  explicit Scenario(std::uint64_t seed, const BrokerSettings& settings = {});
  ~Scenario();

  // Starts the broker, waits until it is ready, and connects the client.
  void start();
  // Starts it and waits for nothing.
  void begin();
  [[nodiscard]] bool ready() const noexcept { return ready_; }
  // Starts it and cuts the power at its `disk_call`-th call of the disk, or when it is ready before.
  void begin_and_cut_at(std::uint64_t disk_call);
  void crash(CrashKind kind);
  // Crashes by itself at the `count`-th disk call from now on.
  void crash_at_disk_call(std::uint64_t count, CrashKind kind) { sim_.crash_at_disk_call(broker_, count, kind); }
  // Asks it to stop, waits, and lets the process end; true if it says that the stop was clean.
  bool stop();
  void run_for(std::chrono::nanoseconds duration) { sim_.run_for(duration); }
  // So many events of the world, or fewer if there are no more.
  void run_events(std::uint64_t count) {
    (void)sim_.run_until([left = count]() mutable { return left-- == 0; }, kPatience);
  }
  // Of the broker, which cannot go on; "": nothing has ended it.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  // Waits for it; true if it came.
  bool wait_for_failure() {
    return sim_.run_until([this] { return !failure_.empty(); }, kPatience);
  }
  [[nodiscard]] SimDisk& disk() { return sim_.disk(broker_); }
  [[nodiscard]] SlowReads& slow_reads() { return sim_.slow_reads(broker_); }
  [[nodiscard]] std::string logs() const { return sim_.logs().dump(); }

  // Another connection of the client; gone with the next start.
  [[nodiscard]] RpcChannel& connect();
  // `take(response)` while the response's bytes live.
  template <class Request, class Take>
  void call(const Request& request, std::int16_t version, Take take) {
    bool answered = false;
    channel().call(request, version, [&](const typename Request::Response& response) {
      take(response);
      answered = true;
    });
    wait_until([&] { return answered; }, "an answer");
  }

  // A topic of one partition.
  void create_topic(const std::string& name, const std::vector<std::pair<std::string, std::string>>& configs = {});
  void delete_topic(const std::string& name);
  // All of them, up to `offset`.
  void delete_records(const std::string& topic, Offset offset);
  struct Answered {
    protocol::ErrorCode error;
    Offset offset;
  };
  // One batch of one record.
  Answered produce(const std::string& topic, std::int16_t acks, const std::string& value);
  Answered produce(const std::string& topic, std::int16_t acks, const std::string& key, const std::string& value);
  // The same for each value, all sent before the first answer.
  std::vector<Answered> produce_at_once(const std::string& topic, std::int16_t acks,
                                        const std::vector<std::string>& values);
  // By ListOffsets.
  Offset log_start(const std::string& topic) { return list_offset(topic, -2).offset; }
  Offset log_end(const std::string& topic) { return list_offset(topic, -1).offset; }
  protocol::ErrorCode list_offset_error(const std::string& topic) { return list_offset(topic, -1).error; }

 private:
  class ClientProgram;
  [[nodiscard]] RpcChannel& channel();
  [[nodiscard]] BrokerProgram& broker();
  struct Sent {
    std::optional<std::string> key;
    std::string value;
  };
  void send_produce(const std::string& topic, std::int16_t acks, const Sent& sent, std::vector<Answered>& produced);
  Answered list_offset(const std::string& topic, std::int64_t timestamp);
  void wait_until(Function<bool()> done, const char* what);

  Simulation sim_;
  BrokerSettings settings_;
  bool ready_ = false;
  std::uint64_t cut_at_ = 0;  // disk call of the coming start; 0: none
  std::string failure_;       // of the broker
  std::uint32_t broker_;
  std::uint32_t client_;
};

}  // namespace moldau::sim

#include "sim/workload/client.h"

#include <utility>

namespace moldau::sim {

using std::chrono::milliseconds;

namespace {
constexpr std::uint64_t kPauseMaxMs = 60;
constexpr std::uint64_t kTimeoutMinMs = 300;  // a slow group commit is not a lost broker
constexpr std::uint64_t kTimeoutMaxMs = 2000;
}  // namespace

Client::Client(runtime::World world, Workload& workload, SimRandom random)
    : shard_(world.shard(0)),
      network_(world.network(0)),
      workload_(workload),
      random_(random),
      reconnect_(shard_.timers(), [this] { connect(); }) {
  shard_.post([this] { connect(); });
}

void Client::connect() {
  const milliseconds timeout(random_.between(kTimeoutMinMs, kTimeoutMaxMs));
  channel_ = std::make_unique<RpcChannel>(
      shard_, network_, timeout,
      RpcChannel::Events{
          .on_up =
              [this] {
                era_ = workload_.era();
                on_up();
              },
          .on_down =
              [this](const char*) {
                on_down();
                reconnect_.arm(shard_.clock().now() + milliseconds(random_.between(1, kPauseMaxMs)));
              },
          .on_nonsense = [this](const std::string& what) { workload_.history.fault("client: " + what); }});
  channel_->open(workload_.broker);
}

}  // namespace moldau::sim

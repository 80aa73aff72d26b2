#include "sim/workload/client.h"

#include <utility>

#include "protocol/messages/list_offsets_request.h"
#include "protocol/messages/list_offsets_response.h"

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

void Client::list_offset(std::string_view topic, std::uint32_t partition, std::int64_t timestamp,
                         Function<void(Offset)> then) {
  constexpr std::int16_t kVersion = 7;
  protocol::ListOffsetsRequest request;
  request.replica_id = -1;
  auto& asked = request.topics.emplace_back();
  asked.name = topic;
  auto& at = asked.partitions.emplace_back();
  at.partition_index = static_cast<std::int32_t>(partition);
  at.timestamp = timestamp;
  channel().call(request, kVersion,
                 [this, then = std::move(then)](const protocol::ListOffsetsResponse& response) mutable {
                   if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1 ||
                       response.topics[0].partitions[0].error_code != 0) {
                     return channel().close("list offsets error");
                   }
                   then(Offset(response.topics[0].partitions[0].offset));
                 });
}

}  // namespace moldau::sim

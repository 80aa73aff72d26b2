// Tests: a controller with its log; decisions are appended and replayed at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "metadata/controller/controller.h"
#include "metadata/controller/testing/fakes.h"

namespace moldau::metadata::testing {

class Driver {
 public:
  explicit Driver(ControllerOptions options = {}, std::uint64_t seed = 1);

  // Appends and replays; invariants hold after it. The response, or the refusal.
  template <class T>
  std::expected<T, ApiError> apply(Decision<T> decision) {
    if (!decision) {
      return std::unexpected(decision.error());
    }
    append(std::move(decision->records));
    return std::move(decision->response);
  }
  void append(RecordBatch records);

  // A registration of broker `id` as incarnation `incarnation`, with the features of this release.
  [[nodiscard]] RegisterBroker registration(std::int32_t id, std::uint64_t incarnation) const;
  std::expected<BrokerEpoch, ApiError> start(std::int32_t id, std::uint64_t incarnation,
                                             BrokerEpoch previous = kNoBrokerEpoch);
  // A heartbeat under the registered epoch, caught up unless said otherwise.
  [[nodiscard]] BrokerHeartbeat beat(std::int32_t id) const;
  BrokerHeartbeatReply unfence(std::int32_t id);
  BrokerHeartbeatReply shut_down(std::int32_t id);
  // Starts and unfences.
  void bring_up(std::int32_t id, std::uint64_t incarnation = 1, BrokerEpoch previous = kNoBrokerEpoch);
  // The session of every broker but those that `keep` names ends.
  void expire_all_but(std::initializer_list<std::int32_t> keep);

  // Creates a topic; the error, if any.
  ApiError create(const std::string& name, std::vector<Replicas> assignments);
  ApiError set(ConfigResourceType type, const std::string& resource, const std::string& key,
               std::optional<std::string> value);
  // AlterPartition by the leader, with its present epochs.
  std::expected<std::vector<AlterPartitionOutcome>, ApiError> propose_isr(const std::string& topic,
                                                                          std::int32_t partition,
                                                                          const std::vector<std::int32_t>& isr);

  [[nodiscard]] const Image& image() const { return *controller.image(); }
  [[nodiscard]] const PartitionRegistration& partition(const std::string& topic, std::int32_t index = 0) const;
  [[nodiscard]] BrokerEpoch epoch_of(std::int32_t id) const { return image().broker(NodeId(id))->epoch(); }

  FakeSchema schema;
  SeededEntropy entropy;
  Controller controller;
  Instant now = std::chrono::hours(1);
  std::vector<records::MetadataRecordAndVersion> log;  // everything appended
  RecordBatch last;                                    // of the last append
};

[[nodiscard]] Replicas ids(std::initializer_list<std::int32_t> raw);

}  // namespace moldau::metadata::testing

// Creates the topics that clients of one shard ask metadata for (auto.create.topics.enable).
#pragma once

#include <cstddef>
#include <expected>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "broker/handlers/controller_channel.h"
#include "broker/handlers/metadata_handler.h"

namespace moldau::broker {

// A topic counts against the quota of the client that asked for it, as if it had created it.
// Bound: kInFlightMax names; a client whose name found no room asks again.
class AutoCreator final : public TopicAutoCreator {
 public:
  static constexpr std::size_t kInFlightMax = 256;

  AutoCreator(ControllerChannel& controller, Logger& logger) : controller_(controller), logger_(logger) {}

  void create_soon(std::string_view topic, std::string_view client_id) override {
    if (in_flight_.size() >= kInFlightMax || !in_flight_.insert(std::string(topic)).second) {
      return;
    }
    metadata::CreateTopics request;
    request.topics.push_back({.name = std::string(topic)});
    controller_.create_topics(
        std::move(request), {.client_id = std::string(client_id)},
        [this, name = std::string(topic)](
            const std::expected<Metered<std::vector<metadata::TopicCreated>>, metadata::ApiError>& created) {
          in_flight_.erase(name);
          const metadata::ApiError error = !created ? created.error() : created->outcomes.front().error;
          if (error.failed() && error.code != protocol::ErrorCode::kTopicAlreadyExists) {
            log(logger_, LogLevel::kWarn, "broker", "topic {} was not created automatically: {} {}", name,
                protocol::name(error.code), error.message);
          }
        });
  }

 private:
  ControllerChannel& controller_;
  Logger& logger_;
  std::set<std::string> in_flight_;
};

}  // namespace moldau::broker

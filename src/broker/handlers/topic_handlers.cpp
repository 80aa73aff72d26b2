#include "broker/handlers/topic_handlers.h"

#include <memory>
#include <utility>

#include "protocol/messages/create_topics_request.h"
#include "protocol/messages/create_topics_response.h"
#include "protocol/messages/delete_topics_request.h"
#include "protocol/messages/delete_topics_response.h"

namespace moldau::broker {

using protocol::CreateTopicsRequest;
using protocol::CreateTopicsResponse;
using protocol::DeleteTopicsRequest;
using protocol::DeleteTopicsResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int16_t kFirstVersionWithStates = 6;
// From these on a used-up quota refuses (KIP-599).
constexpr std::int16_t kFirstStrictCreation = 6;
constexpr std::int16_t kFirstStrictDeletion = 5;

metadata::CreateTopics to_controller(const CreateTopicsRequest& decoded) {
  metadata::CreateTopics request{.validate_only = decoded.validate_only};
  for (const auto& topic : decoded.topics) {
    auto& out = request.topics.emplace_back();
    out.name = topic.name;
    out.partitions = topic.num_partitions;
    out.replication_factor = topic.replication_factor;
    for (const auto& assignment : topic.assignments) {
      out.assignments.push_back({.partition = PartitionIndex(assignment.partition_index),
                                 .brokers = metadata::to_replicas(assignment.broker_ids)});
    }
    for (const auto& config : topic.configs) {
      auto& set = out.configs.emplace_back();
      set.name = config.name;
      if (config.value) {
        set.value = *config.value;
      }
    }
  }
  return request;
}

void fill(protocol::create_topics_response::CreatableTopicResult& out, const metadata::TopicCreated& created) {
  out.name = created.name;
  out.error_code = to_wire(created.error.code);
  out.error_message = message_of(created.error);
  if (created.error.failed()) {
    return;
  }
  out.topic_id = created.id;
  out.num_partitions = created.partitions;
  out.replication_factor = created.replication_factor;
  for (const metadata::EffectiveConfig& config : created.configs) {
    auto& shown = out.configs->emplace_back();
    shown.name = config.name;
    shown.value.reset();
    if (config.value && !config.sensitive) {
      shown.value = *config.value;
    }
    shown.read_only = config.read_only;
    shown.config_source = config.source;
    shown.is_sensitive = config.sensitive;
  }
}

}  // namespace

void CreateTopicsHandler::handle(Request request) {
  const auto decoded = request.decode<CreateTopicsRequest>();
  if (!decoded) {
    return request.close();
  }
  std::vector<std::string> names;
  for (const auto& topic : decoded->topics) {
    names.emplace_back(topic.name);
  }
  metadata::MutationAsker asker{.client_id = std::string(request.client_id()),
                                .strict = request.version() >= kFirstStrictCreation};
  request.waits_for("the controller");
  auto asked = std::make_unique<Request>(std::move(request));
  controller_.create_topics(
      to_controller(*decoded), std::move(asker),
      [asked = std::move(asked), names = std::move(names)](
          const std::expected<Metered<std::vector<metadata::TopicCreated>>, metadata::ApiError>& created) {
        CreateTopicsResponse response;
        if (created) {
          asked->hold_off(created->hold_off);
          for (const metadata::TopicCreated& topic : created->outcomes) {
            fill(response.topics.emplace_back(), topic);
          }
        } else {
          for (const std::string& name : names) {
            auto& out = response.topics.emplace_back();
            out.name = name;
            out.error_code = to_wire(created.error().code);
            out.error_message = message_of(created.error());
          }
        }
        asked->reply(response);
      });
}

void DeleteTopicsHandler::handle(Request request) {
  const auto decoded = request.decode<DeleteTopicsRequest>();
  if (!decoded) {
    return request.close();
  }
  std::vector<metadata::TopicDeletion> deletions;
  if (request.version() >= kFirstVersionWithStates) {
    for (const auto& topic : decoded->topics) {
      auto& deletion = deletions.emplace_back();
      deletion.id = topic.topic_id;
      if (topic.name) {
        deletion.name = *topic.name;
      }
    }
  } else {
    for (const std::string_view name : decoded->topic_names) {
      deletions.push_back({.name = std::string(name), .id = {}});
    }
  }
  metadata::MutationAsker asker{.client_id = std::string(request.client_id()),
                                .strict = request.version() >= kFirstStrictDeletion};
  request.waits_for("the controller");
  auto asked = std::make_unique<Request>(std::move(request));
  std::vector<metadata::TopicDeletion> named = deletions;
  controller_.delete_topics(
      std::move(deletions), std::move(asker),
      [asked = std::move(asked), named = std::move(named)](
          const std::expected<Metered<std::vector<metadata::TopicDeleted>>, metadata::ApiError>& deleted) {
        DeleteTopicsResponse response;
        const auto add = [&](const std::optional<std::string>& name, const Uuid& id, const metadata::ApiError& error) {
          auto& out = response.responses.emplace_back();
          out.name.reset();
          if (name) {
            out.name = *name;
          }
          out.topic_id = id;
          out.error_code = to_wire(error.code);
          out.error_message = message_of(error);
        };
        if (deleted) {
          asked->hold_off(deleted->hold_off);
          for (const metadata::TopicDeleted& topic : deleted->outcomes) {
            add(topic.name, topic.id, topic.error);
          }
        } else {
          for (const metadata::TopicDeletion& topic : named) {
            add(topic.name, topic.id, deleted.error());
          }
        }
        asked->reply(response);
      });
}

}  // namespace moldau::broker

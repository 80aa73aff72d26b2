#include "broker/handlers/metadata_handler.h"

#include <algorithm>
#include <set>

#include "broker/handlers/replica_view.h"
#include "metadata/controller/topic_name.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/describe_cluster_request.h"
#include "protocol/messages/describe_cluster_response.h"
#include "protocol/messages/metadata_request.h"
#include "protocol/messages/metadata_response.h"

namespace moldau::broker {

using protocol::DescribeClusterRequest;
using protocol::DescribeClusterResponse;
using protocol::ErrorCode;
using protocol::MetadataRequest;
using protocol::MetadataResponse;

namespace {

constexpr std::int16_t kFirstVersionWithNullableNames = 12;
constexpr std::int16_t kFirstVersionWithListenerErrors = 6;
constexpr std::int32_t kNoController = -1;

// How the answers of old versions differ.
struct AnswerRules {
  bool only_live_replicas = false;      // v0 leaves out replicas on brokers that are away, and says so
  bool names_missing_listener = false;  // v6+ LISTENER_NOT_FOUND; before LEADER_NOT_AVAILABLE
};

std::vector<std::int32_t> visible(const metadata::Image& image, const metadata::Replicas& replicas,
                                  const std::string& listener, const AnswerRules& rules) {
  std::vector<std::int32_t> ids;
  for (const NodeId id : replicas) {
    const metadata::BrokerRegistration* broker = image.broker(id);
    if (!rules.only_live_replicas ||
        (broker != nullptr && !broker->fenced() && broker->endpoint(listener) != nullptr)) {
      ids.push_back(id.value());
    }
  }
  return ids;
}

void fill_partition(protocol::metadata_response::MetadataResponsePartition& out, const metadata::Image& image,
                    PartitionIndex index, const metadata::PartitionRegistration& partition, const std::string& listener,
                    const AnswerRules& rules) {
  out.partition_index = index.value();
  out.leader_epoch = partition.leader_epoch.value();
  out.replica_nodes = visible(image, partition.replicas, listener, rules);
  out.isr_nodes = visible(image, partition.isr, listener, rules);
  out.offline_replicas = offline_replicas(image, partition, listener);
  const metadata::BrokerRegistration* leader = image.broker(partition.leader);
  if (leader == nullptr || leader->endpoint(listener) == nullptr) {
    out.leader_id = kNoNode.value();
    out.error_code = to_wire(leader != nullptr && rules.names_missing_listener ? ErrorCode::kListenerNotFound
                                                                               : ErrorCode::kLeaderNotAvailable);
    return;
  }
  out.leader_id = partition.leader.value();
  if (out.replica_nodes.size() < partition.replicas.size() || out.isr_nodes.size() < partition.isr.size()) {
    out.error_code = to_wire(ErrorCode::kReplicaNotAvailable);
  }
}

// The topics of one answer.
class TopicList {
 public:
  TopicList(const MetadataRequest& request, std::int16_t version, const metadata::Image& image,
            const std::string& listener, MetadataResponse& response)
      : request_(request),
        image_(image),
        listener_(listener),
        rules_{.only_live_replicas = version == 0,
               .names_missing_listener = version >= kFirstVersionWithListenerErrors},
        response_(response) {}

  void add_all() {
    for (const auto& [name, id] : image_.topic_names()) {
      add(*image_.topic(id));
    }
  }
  // Each asked-for name or id once; names count only where no id is asked for. `create(name)` is told of names that are
  // not there and may be.
  template <class Create>
  void add_asked(Create create) {
    std::set<std::string_view> names;
    std::set<Uuid> ids;
    for (const auto& topic : *request_.topics) {
      if (!topic.topic_id.is_zero()) {
        ids.insert(topic.topic_id);
      } else if (topic.name) {
        names.insert(*topic.name);
      }
    }
    for (const Uuid& id : ids) {
      if (const metadata::Topic* topic = image_.topic(id)) {
        add(*topic);
      } else {
        add_missing(std::nullopt, id, ErrorCode::kUnknownTopicId);
      }
    }
    if (!ids.empty()) {
      return;
    }
    for (const std::string_view name : names) {
      if (const metadata::Topic* topic = image_.topic(name)) {
        add(*topic);
      } else if (!metadata::topic_name_fault(name).empty()) {
        add_missing(name, kZeroUuid, ErrorCode::kInvalidTopicException);
      } else {
        create(name);
        add_missing(name, kZeroUuid, ErrorCode::kUnknownTopicOrPartition);
      }
    }
  }

 private:
  void add(const metadata::Topic& topic) {
    auto& out = response_.topics.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.id;
    out.is_internal = is_internal_topic(topic.name);
    out.partitions.reserve(topic.partitions.size());
    for (const auto& [index, partition] : topic.partitions) {
      fill_partition(out.partitions.emplace_back(), image_, index, *partition, listener_, rules_);
    }
    if (request_.include_topic_authorized_operations) {
      out.topic_authorized_operations = kAllTopicOperations;
    }
  }
  void add_missing(std::optional<std::string_view> name, const Uuid& id, ErrorCode error) {
    auto& out = response_.topics.emplace_back();
    out.error_code = to_wire(error);
    out.name = name;
    out.topic_id = id;
    out.is_internal = name && is_internal_topic(*name);
    if (request_.include_topic_authorized_operations && name) {
      out.topic_authorized_operations = kAllTopicOperations;
    }
  }

  const MetadataRequest& request_;
  const metadata::Image& image_;
  const std::string& listener_;
  AnswerRules rules_;
  MetadataResponse& response_;
};

// Versions before ids were served: Kafka answers every topic of a request that has one with the error.
bool names_what_its_version_cannot(const MetadataRequest& request, std::int16_t version) {
  return version < kFirstVersionWithNullableNames && request.topics &&
         std::any_of(
             request.topics->begin(), request.topics->end(),
             [](const auto& topic) { return !topic.name || !topic.topic_id.is_zero(); });
}

MetadataResponse refuse_every_topic(const MetadataRequest& request) {
  MetadataResponse refused;
  for (const auto& asked : *request.topics) {
    auto& out = refused.topics.emplace_back();
    out.error_code = to_wire(ErrorCode::kInvalidRequest);
    out.name = asked.name.value_or("");
    out.topic_id = asked.topic_id;
  }
  return refused;
}

}  // namespace

void MetadataHandler::handle(Request request) {
  const auto decoded = request.decode<MetadataRequest>();
  const ConnectionInfo* connection = request.connection();
  if (!decoded || connection == nullptr) {
    return request.close();
  }
  const std::int16_t version = request.version();
  if (names_what_its_version_cannot(*decoded, version)) {
    return request.reply(refuse_every_topic(*decoded));
  }
  const std::shared_ptr<const metadata::Image> image = context_.router.image();
  MetadataResponse response;
  TopicList topics(*decoded, version, *image, connection->listener_name, response);
  if (!decoded->topics || (version == 0 && decoded->topics->empty())) {
    topics.add_all();
  } else {
    topics.add_asked([&](std::string_view name) {
      if (decoded->allow_auto_topic_creation && identity_.auto_create_topics) {
        creator_.create_soon(name, request.client_id());
      }
    });
  }
  response.cluster_id = identity_.cluster_id;
  response.controller_id = kNoController;
  for (const auto& [id, broker] : image->brokers()) {
    if (broker->fenced()) {
      continue;
    }
    if (const auto address = address_of(context_, *broker, *connection)) {
      response.brokers.push_back(
          {.node_id = id.value(), .host = address->host, .port = address->port, .rack = address->rack});
      response.controller_id = id.value();  // any live broker: it forwards what is the controller's
    }
  }
  if (decoded->include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  request.reply(response);
}

void DescribeClusterHandler::handle(Request request) {
  constexpr std::int8_t kBrokerEndpoints = 1;
  constexpr std::int8_t kControllerEndpoints = 2;
  constexpr std::int16_t kFirstVersionWithEndpointType = 1;
  const auto decoded = request.decode<DescribeClusterRequest>();
  const ConnectionInfo* connection = request.connection();
  if (!decoded || connection == nullptr) {
    return request.close();
  }
  const std::shared_ptr<const metadata::Image> image = context_.router.image();
  DescribeClusterResponse response;
  if (kind_ == ListenerKind::kController &&
      !metadata::has_controller_registration(image->metadata_version().value_or(metadata::kMetadataVersionMin))) {
    response.error_code = to_wire(ErrorCode::kUnsupportedVersion);
    response.error_message = "controllers are not registered below metadata.version 15";
    return request.reply(response);
  }
  const std::int8_t served = kind_ == ListenerKind::kBroker ? kBrokerEndpoints : kControllerEndpoints;
  if (decoded->endpoint_type != served) {
    const bool known = decoded->endpoint_type == kBrokerEndpoints || decoded->endpoint_type == kControllerEndpoints;
    response.error_code = to_wire(request.version() < kFirstVersionWithEndpointType ? ErrorCode::kInvalidRequest
                                  : known                                           ? ErrorCode::kMismatchedEndpointType
                                          : ErrorCode::kUnsupportedEndpointType);
    response.error_message = "this listener has endpoints of another type";
    return request.reply(response);
  }
  if (request.version() >= kFirstVersionWithEndpointType) {
    response.endpoint_type = served;
  }
  response.cluster_id = identity_.cluster_id;
  if (kind_ == ListenerKind::kBroker) {
    add_brokers(response, *image, decoded->include_fenced_brokers, *connection);
  } else {
    add_controllers(response, *image, *connection);
  }
  if (decoded->include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  request.reply(response);
}

void DescribeClusterHandler::add_brokers(DescribeClusterResponse& response, const metadata::Image& image,
                                         bool include_fenced, const ConnectionInfo& connection) const {
  for (const auto& [id, broker] : image.brokers()) {
    const auto address = address_of(context_, *broker, connection);
    if (!address || (broker->fenced() && !include_fenced)) {
      continue;
    }
    response.brokers.push_back({.broker_id = id.value(),
                                .host = address->host,
                                .port = address->port,
                                .rack = address->rack,
                                .is_fenced = broker->fenced()});
    if (!broker->fenced()) {
      response.controller_id = id.value();  // any live broker: it forwards what is the controller's
    }
  }
}

void DescribeClusterHandler::add_controllers(DescribeClusterResponse& response, const metadata::Image& image,
                                             const ConnectionInfo& connection) const {
  for (const auto& [id, controller] : image.controllers()) {
    for (const auto& endpoint : controller->end_points) {
      if (endpoint.name != connection.listener_name) {
        continue;
      }
      response.brokers.push_back({.broker_id = id.value(), .host = endpoint.host, .port = endpoint.port});
      if (id == context_.self) {
        response.controller_id = id.value();  // the only voter there is; told where it can be reached
      }
    }
  }
}

}  // namespace moldau::broker

#include "metadata/controller/cluster_control.h"

#include <algorithm>

namespace moldau::metadata {
namespace {

bool is_reserved(const Uuid& directory) {
  return directory.high == 0 && directory.low < 100;
}

template <class Record>
void add_endpoints(Record& record, const std::vector<ListenerEndpoint>& listeners) {
  for (const ListenerEndpoint& listener : listeners) {
    auto& endpoint = record.end_points.emplace_back();
    endpoint.name = listener.name;
    endpoint.host = listener.host;
    endpoint.port = listener.port;
    endpoint.security_protocol = listener.security_protocol;
  }
}

template <class Record>
void add_features(Record& record, const std::vector<FeatureRange>& features) {
  for (const FeatureRange& range : features) {
    auto& feature = record.features.emplace_back();
    feature.name = range.name;
    feature.min_supported_version = range.min;
    feature.max_supported_version = range.max;
  }
}

}  // namespace

ApiError ClusterControl::check_epoch(NodeId broker, BrokerEpoch epoch) const {
  const BrokerRegistration* registration = state_.image->broker(broker);
  if (registration == nullptr) {
    return {ErrorCode::kStaleBrokerEpoch, "broker " + std::to_string(broker.value()) + " is not registered"};
  }
  if (registration->epoch() != epoch) {
    return {ErrorCode::kStaleBrokerEpoch, "the broker epoch is " + std::to_string(registration->epoch().value()) +
                                              ", not " + std::to_string(epoch.value())};
  }
  return {};
}

std::expected<records::RegisterBrokerRecord, ApiError> ClusterControl::registration(const RegisterBroker& request,
                                                                                    BrokerEpoch new_epoch,
                                                                                    Instant now) const {
  if (request.cluster_id != state_.options.cluster_id) {
    return refuse(ErrorCode::kInconsistentClusterId,
                  "the cluster id is " + state_.options.cluster_id + ", not " + request.cluster_id);
  }
  const BrokerRegistration* existing = state_.image->broker(request.broker);
  const bool same_incarnation = existing != nullptr && existing->incarnation_id() == request.incarnation_id;
  if (existing != nullptr && !same_incarnation && !request.previous_process_is_gone &&
      state_.heartbeats.has_session(request.broker, existing->epoch(), now)) {
    return refuse(ErrorCode::kDuplicateBrokerRegistration,
                  "another process is registered as this broker; if it is gone, its session will end soon");
  }
  if (request.is_migrating_zk_broker) {
    return refuse(ErrorCode::kBrokerIdNotRegistered, "brokers of a ZooKeeper cluster cannot register");
  }
  if (ApiError error = check_directories(request); error.failed()) {
    return std::unexpected(std::move(error));
  }
  if (ApiError error = check_features(request); error.failed()) {
    return std::unexpected(std::move(error));
  }
  records::RegisterBrokerRecord record;
  record.broker_id = request.broker.value();
  record.incarnation_id = request.incarnation_id;
  record.rack = request.rack;
  add_endpoints(record, request.listeners);
  add_features(record, request.features);
  if (has_directory_assignment(state_.version())) {
    record.log_dirs = request.log_dirs;
  }
  record.broker_epoch = new_epoch.value();
  if (same_incarnation) {
    record.fenced = existing->fenced();
    record.in_controlled_shutdown = existing->in_controlled_shutdown();
    record.broker_epoch = existing->epoch().value();
  }
  return record;
}

ApiError ClusterControl::check_directories(const RegisterBroker& request) const {
  if (!has_directory_assignment(state_.version())) {
    return {};
  }
  if (request.log_dirs.empty()) {
    return {ErrorCode::kInvalidRegistration, "the registration names no log directory"};
  }
  std::vector<Uuid> sorted = request.log_dirs;
  std::ranges::sort(sorted);
  if (std::ranges::any_of(sorted, is_reserved)) {
    return {ErrorCode::kInvalidRegistration, "the registration names a reserved directory id"};
  }
  if (std::ranges::adjacent_find(sorted) != sorted.end()) {
    return {ErrorCode::kInvalidRegistration, "the registration names a directory twice"};
  }
  for (const auto& other : state_.image->brokers()) {
    if (other.key == request.broker) {
      continue;
    }
    for (const Uuid& directory : other.value->directories()) {
      if (std::ranges::binary_search(sorted, directory)) {
        return {ErrorCode::kInvalidRegistration,
                "directory " + directory.to_string() + " belongs to broker " + std::to_string(other.key.value())};
      }
    }
  }
  return {};
}

ApiError ClusterControl::check_features(const RegisterBroker& request) const {
  const auto unsupported = [](std::string_view name, std::int16_t level) {
    return ApiError{ErrorCode::kUnsupportedVersion, "the broker does not support level " + std::to_string(level) +
                                                        " of " + std::string(name) + ", which is finalized"};
  };
  for (const FeatureRange& range : request.features) {
    const std::int16_t level = state_.image->feature_level(range.name);
    if (level < range.min || level > range.max) {
      return unsupported(range.name, level);
    }
  }
  const auto named = [&](std::string_view name) {
    return std::ranges::find(request.features, name, &FeatureRange::name) != request.features.end();
  };
  if (!named(kMetadataVersionFeature)) {
    return {ErrorCode::kInvalidRegistration, "the registration does not name metadata.version"};
  }
  for (const auto& feature : state_.image->features()) {
    if (!named(feature.key)) {
      return unsupported(feature.key, feature.value);
    }
  }
  return {};
}

Decision<> ClusterControl::register_controller(const RegisterController& request) const {
  if (!has_controller_registration(state_.version())) {
    return refuse(ErrorCode::kUnsupportedVersion, "controllers register from metadata.version 15 on");
  }
  records::RegisterControllerRecord record;
  record.controller_id = request.controller.value();
  record.incarnation_id = request.incarnation_id;
  add_endpoints(record, request.listeners);
  add_features(record, request.features);
  ControllerResult<> result;
  result.records.push_back({std::move(record), 0});
  result.atomic = true;
  return result;
}

}  // namespace moldau::metadata

#include "broker/node/controller_options.h"

#include <cstdint>

#include "metadata/image/metadata_version.h"

namespace moldau::broker {

metadata::ControllerOptions controller_options(const NodeConfig& config, const ClusterIdentity& identity) {
  metadata::ControllerOptions options;
  options.node_id = config.node_id;
  options.cluster_id = identity.cluster_id;
  options.kraft_version = identity.kraft_version;
  options.session_timeout = config.session_timeout;
  options.default_partitions = config.partitions_default;
  options.default_replication_factor = static_cast<std::int16_t>(config.replication_factor_default);
  options.delete_topic_enable = config.delete_topics;
  if (const auto found = config.set_keys.find("min.insync.replicas"); found != config.set_keys.end()) {
    options.static_min_insync_replicas =
        static_cast<std::int32_t>(std::stol(found->second));  // checked when it was read
  }
  return options;
}

std::vector<metadata::FeatureRange> supported_ranges() {
  std::vector<metadata::FeatureRange> ranges;
  for (const metadata::SupportedFeature& feature : metadata::supported_features()) {
    ranges.push_back({std::string(feature.name), feature.min, feature.max});
  }
  return ranges;
}

}  // namespace moldau::broker

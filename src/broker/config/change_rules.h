// What Kafka asks of a change of a running broker's keys beyond what it asks of a start: numbers of threads change by
// at most the half or the double, local retention fits into retention, a limit of connections leaves some, directories
// are those of the broker, classes are there. Numbers of threads are judged though Moldau's shards are fixed: who
// alters them sees the same answers. Source: DynamicThreadPool, DataPlaneAcceptor, LogCleaner, DynamicLogConfig,
// DynamicRemoteLogConfig, ConnectionQuotas, DynamicMetricsReporters (validateReconfiguration).
#pragma once

#include <string>

#include "metadata/image/image.h"

namespace moldau::broker {

class BrokerConfigs;
struct NodeConfig;

// "" if the keys may become `after` from `before`, both as BrokerConfigs::merged gives them; else why not.
[[nodiscard]] std::string refuse_change(const BrokerConfigs& configs, const NodeConfig& node,
                                        const metadata::ConfigMap& before, const metadata::ConfigMap& after);

}  // namespace moldau::broker

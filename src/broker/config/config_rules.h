// What Kafka refuses though each value alone is right: numbers that contradict each other, and defaults of topics that
// no topic could be given. A value that Kafka refuses must not start a node here: log.retention.ms=0 would delete what
// was acknowledged. Source: Kafka's KafkaConfig.validateValues, and LogConfig's ConfigDef, through which the broker's
// defaults for topics pass. Difference: intervals of timers are at least 1 ms, where Kafka takes 0 and negative ones
// and spins.
#pragma once

#include <string>
#include <vector>

#include "broker/config/config_reader.h"

namespace moldau::broker {

void check_rules(ConfigReader& reader, std::vector<std::string>& warnings);

}  // namespace moldau::broker

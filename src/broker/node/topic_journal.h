// What an operator reads of topics in the log: created, deleted, more partitions, another configuration.
//
// Shard: any. Bound: one line a topic and image, whatever the number of its partitions; a line is cut at
//        kConfigBytesMax of configuration.
#pragma once

#include <cstddef>

#include "base/log.h"
#include "metadata/loader/metadata_loader.h"

namespace moldau::broker {

inline constexpr std::size_t kConfigBytesMax = 512;

void log_topic_changes(Logger& logger, const metadata::ImageUpdate& update);

}  // namespace moldau::broker

// The records that a controller writes when it becomes active, and those that a new cluster starts from.
//
// Source: Kafka's ActivationRecordsGenerator, BootstrapMetadata, KIP-868 (metadata transactions). Differences: none.
#pragma once

#include <cstdint>
#include <optional>

#include "metadata/controller/controller_result.h"
#include "metadata/image/image.h"

namespace moldau::metadata {

// What formatting writes into bootstrap.checkpoint: metadata.version, then the other features by name, at the levels of
// a new 4.3 cluster.
[[nodiscard]] RecordBatch bootstrap_records();

// Empty log: the bootstrap records in a metadata transaction, with the cluster's min.insync.replicas if ELR is among
// them. Otherwise: an AbortTransaction if an earlier controller left one open, or nothing.
// `open_transaction`: an earlier controller began a transaction and did not end it.
// kUnsupportedVersion: the bootstrap records lack metadata.version.
[[nodiscard]] Decision<> activation_records(const Image& image, bool open_transaction, const RecordBatch& bootstrap,
                                            std::int32_t static_min_insync_replicas);

}  // namespace moldau::metadata

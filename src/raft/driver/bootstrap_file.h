// bootstrap.checkpoint: the records a new cluster's first controller writes to the empty metadata log.
//
// Errors:     as batch_file.h. kNotFound: the directory was not formatted with one.
// Durability: write replaces the file atomically and is durable when it returns. Blocks.
// Bound:      kBootstrapRecordsMax records, kBootstrapBytesMax bytes.
// Source:     KIP-778; org.apache.kafka.metadata.bootstrap.BootstrapDirectory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "raft/driver/metadata_batch.h"
#include "runtime/fs.h"

namespace moldau::raft {

inline constexpr const char* kBootstrapFile = "bootstrap.checkpoint";
inline constexpr std::size_t kBootstrapRecordsMax = 100'000;

[[nodiscard]] Result<std::vector<MetadataRecordAndVersion>> read_bootstrap_file(runtime::FileSystem& fs,
                                                                                const std::string& log_directory);
[[nodiscard]] Result<> write_bootstrap_file(runtime::FileSystem& fs, const std::string& log_directory,
                                            const std::vector<MetadataRecordAndVersion>& records, std::int64_t now_ms);

}  // namespace moldau::raft

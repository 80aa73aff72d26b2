// A metadata record like any other, known by its value.
#pragma once

#include <string>
#include <utility>

#include "metadata/records/any_metadata_record.h"
#include "raft/driver/metadata_batch.h"

namespace moldau::raft::testing {

[[nodiscard]] inline MetadataRecordAndVersion config_record(std::string value) {
  metadata::records::ConfigRecord record;
  record.resource_type = 2;
  record.resource_name = "a-topic";
  record.name = "segment.bytes";
  record.value = std::move(value);
  return {std::move(record), 0};
}

}  // namespace moldau::raft::testing

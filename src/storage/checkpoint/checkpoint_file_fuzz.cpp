// Offset checkpoints, durable ends and partition.metadata: no input crashes; what is accepted survives a round trip.
#include <cstdlib>

#include "storage/checkpoint/durable_end_file.h"
#include "storage/checkpoint/offset_checkpoint.h"
#include "storage/checkpoint/partition_metadata.h"

using namespace moldau;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const Bytes content(reinterpret_cast<const std::byte*>(data), size);
  if (const auto offsets = storage::parse_offset_checkpoint(content)) {
    const std::string text = storage::format_offset_checkpoint(*offsets);
    const auto again = storage::parse_offset_checkpoint(as_bytes(text));
    if (!again || *again != *offsets) {
      std::abort();
    }
  }
  if (const auto heirs = storage::parse_durable_end_heirs(content)) {
    const std::string text = storage::format_durable_end_heirs(*heirs);
    const auto again = storage::parse_durable_end_heirs(as_bytes(text));
    if (!again || *again != *heirs) {
      std::abort();
    }
  }
  if (const auto ends = storage::parse_durable_ends(content)) {
    const std::string text = storage::format_durable_ends(*ends);
    const auto again = storage::parse_durable_ends(as_bytes(text));
    if (!again || *again != *ends) {
      std::abort();
    }
  }
  if (const auto metadata = storage::parse_partition_metadata(content)) {
    const std::string text = storage::format_partition_metadata(metadata->topic_id);
    const auto again = storage::parse_partition_metadata(as_bytes(text));
    if (!again || again->topic_id != metadata->topic_id) {
      std::abort();
    }
  }
  return 0;
}

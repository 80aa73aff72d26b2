// Any bytes as any kind of file, with every option: a dump ends, and prints.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>

#include "base/assert.h"
#include "storage/testing/memory_fs.h"
#include "tools/dump/dump_log.h"

namespace {

constexpr const char* kNames[] = {"t-0/00000000000000000000.log",
                                  "t-0/00000000000000000000.index",
                                  "t-0/00000000000000000000.timeindex",
                                  "t-0/00000000000000000000.txnindex",
                                  "t-0/00000000000000000000.snapshot",
                                  "t-0/00000000000000000007-0000000001.checkpoint",
                                  "t-0/replication-offset-checkpoint",
                                  "t-0/leader-epoch-checkpoint",
                                  "t-0/partition.metadata",
                                  "t-0/moldau.durable-ends"};

}  // namespace

// Input: one byte that chooses the name, one of options, the content; for indexes the content is their log's too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  moldau::storage::testing::MemoryFileSystem fs;
  MOLDAU_ASSERT(fs.make_dirs("t-0").has_value());
  const auto content = std::as_bytes(std::span(data + 2, size - 2));
  const std::string name = kNames[data[0] % std::size(kNames)];
  fs.put(kNames[0], moldau::to_vector(content));
  fs.put(name, moldau::to_vector(content));
  const std::uint8_t flags = data[1];
  const moldau::tools::DumpLogOptions options{.files = {name},
                                              .deep = (flags & 1U) != 0,
                                              .print_records = (flags & 2U) != 0,
                                              .decoder = static_cast<moldau::tools::RecordDecoder>((flags >> 5U) % 5U),
                                              .skip_record_metadata = (flags & 8U) != 0,
                                              .verify_index_only = (flags & 4U) != 0,
                                              .index_sanity_check = (flags & 24U) == 24U,
                                              .json = (flags & 16U) != 0};
  std::size_t errors = 0;
  const int exit_code = moldau::tools::dump_log(
      fs, options,
      {.output = [](std::string_view) {}, .errors = [&](std::string_view text) { errors += text.size(); }});
  MOLDAU_ASSERT(exit_code == 0 || errors > 0);
  return 0;
}

// Any bytes as any file of a log directory: a verification ends, and says more than its exit code.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "storage/testing/memory_fs.h"
#include "tools/verify/verify_log.h"

namespace {

constexpr const char* kNames[] = {"data/t-0/00000000000000000000.log",
                                  "data/t-0/00000000000000000000.index",
                                  "data/t-0/00000000000000000000.timeindex",
                                  "data/t-0/00000000000000000000.txnindex",
                                  "data/t-0/00000000000000000002.snapshot",
                                  "data/t-0/leader-epoch-checkpoint",
                                  "data/t-0/partition.metadata",
                                  "data/meta.properties",
                                  "data/replication-offset-checkpoint",
                                  "data/moldau.durable-ends",
                                  "data/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint",
                                  "data/__cluster_metadata-0/quorum-state"};
constexpr std::string_view kProperties =
    "version=1\ncluster.id=6XM6oYyhTcOYQ1SRYdVl3w\nnode.id=1\ndirectory.id=qvhB6DPhSlq0VBqzh5mLRw\n";

}  // namespace

// Input: one byte that chooses the name, one of options, the content; for indexes the content is their log's too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  moldau::storage::testing::MemoryFileSystem fs;
  MOLDAU_ASSERT(fs.make_dirs("data/t-0").has_value() && fs.make_dirs("data/__cluster_metadata-0").has_value());
  fs.put("data/meta.properties", moldau::to_vector(moldau::as_bytes(kProperties)));
  if ((data[1] & 1U) != 0) {
    fs.put("data/.kafka_cleanshutdown", {});
  }
  const auto content = std::as_bytes(std::span(data + 2, size - 2));
  fs.put(kNames[0], moldau::to_vector(content));
  fs.put(kNames[data[0] % std::size(kNames)], moldau::to_vector(content));
  std::size_t lines = 0;
  const int exit_code =
      moldau::tools::verify_logs(fs, {.directories = {"data"}, .json = (data[1] & 2U) != 0},
                                 {.output = [&](std::string_view) { ++lines; }, .errors = [](std::string_view) {}});
  MOLDAU_ASSERT(lines > 0 && (exit_code == 0 || lines > 1));
  return 0;
}

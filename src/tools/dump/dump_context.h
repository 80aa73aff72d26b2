// What the dumpers of the single kinds of files share: where lines go, and whether something was wrong.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "runtime/fs.h"
#include "tools/dump/dump_log.h"
#include "tools/dump/row.h"

namespace moldau::tools {

class DumpContext {
 public:
  DumpContext(runtime::FileSystem& fs, const DumpLogOptions& options, DumpSinks sinks)
      : fs_(fs), options_(options), sinks_(std::move(sinks)) {}

  [[nodiscard]] runtime::FileSystem& fs() noexcept { return fs_; }
  [[nodiscard]] const DumpLogOptions& options() const noexcept { return options_; }
  [[nodiscard]] bool faulty() const noexcept { return faulty_; }

  void begin_file(const std::string& path);
  // A line of the file: Kafka's words, or a JSON object.
  void print(const Row& row);
  // A line that JSON does not need.
  void print_text(std::string_view line);
  // Something to know that is no damage.
  void note(std::string_view line);
  // Something is wrong with the file.
  void fault(std::string_view line);
  void fault(const Error& error) { fault(error.message()); }

 private:
  runtime::FileSystem& fs_;
  const DumpLogOptions& options_;
  DumpSinks sinks_;
  std::string path_;
  bool faulty_ = false;
};

void dump_batches(DumpContext& context, const std::string& path);
void dump_offset_index(DumpContext& context, const std::string& path);
void dump_time_index(DumpContext& context, const std::string& path);
void dump_transaction_index(DumpContext& context, const std::string& path);
void dump_producer_snapshot(DumpContext& context, const std::string& path);
// False if the name is not that of a checkpoint file.
[[nodiscard]] bool dump_checkpoint(DumpContext& context, const std::string& path, std::string_view name);

}  // namespace moldau::tools

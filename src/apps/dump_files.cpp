#include "apps/dump_files.h"

#include <cstdio>

#include "runtime/asio/posix_fs.h"
#include "tools/output/command_result.h"

namespace moldau::apps {

int dump_files(const tools::DumpLogOptions& options) {
  runtime::PosixFileSystem fs;
  const auto writer_to = [](std::FILE* stream) {
    return [stream](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stream); };
  };
  const int exit_code = tools::dump_log(fs, options, {.output = writer_to(stdout), .errors = writer_to(stderr)});
  return std::fflush(stdout) != 0 || std::ferror(stdout) != 0 ? tools::kExitRefused : exit_code;
}

}  // namespace moldau::apps

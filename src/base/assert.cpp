#include "base/assert.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace moldau {

void assert_failed(const char* expression, const char* file, int line,
                   std::initializer_list<std::int64_t> ids) noexcept {
  std::fprintf(stderr, "moldau: assertion failed: %s at %s:%d", expression, file, line);
  for (const std::int64_t id : ids) {
    std::fprintf(stderr, " [%" PRId64 "]", id);
  }
  std::fputc('\n', stderr);
  std::abort();
}

}  // namespace moldau

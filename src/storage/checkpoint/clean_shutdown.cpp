#include "storage/checkpoint/clean_shutdown.h"

#include <string_view>

#include <fmt/format.h>

#include "storage/checkpoint/checkpoint_text.h"

namespace moldau::storage {
namespace {

// Walks one JSON text of a known shape: an object whose member of interest is a number. Other members are skipped, to a
// bounded depth.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> number_member(std::string_view name) {
    std::optional<std::string_view> found;
    if (!take('{')) {
      return std::nullopt;
    }
    if (!take('}')) {
      do {
        std::string_view key;
        if (!string(key) || !take(':')) {
          return std::nullopt;
        }
        skip_space();
        const std::string_view before = rest_;
        if (!value(0)) {
          return std::nullopt;
        }
        if (key == name) {
          found = before.substr(0, before.size() - rest_.size());
        }
      } while (take(','));
      if (!take('}')) {
        return std::nullopt;
      }
    }
    skip_space();
    return rest_.empty() ? found : std::nullopt;
  }

 private:
  static constexpr int kDepthMax = 16;

  void skip_space() noexcept {
    while (!rest_.empty() && std::string_view(" \t\r\n").contains(rest_[0])) {
      rest_.remove_prefix(1);
    }
  }
  bool take(char c) noexcept {
    skip_space();
    if (rest_.empty() || rest_[0] != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  // `content` is what stands between the quotes, escapes as they are.
  bool string(std::string_view& content) noexcept {
    if (!take('"')) {
      return false;
    }
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '\\') {
        ++i;
      } else if (rest_[i] == '"') {
        content = rest_.substr(0, i);
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }
  bool scalar() noexcept {
    const std::size_t end = rest_.find_first_of(",]} \t\r\n");
    if (end == 0 || rest_.empty()) {
      return false;
    }
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
    return true;
  }
  bool value(int depth) noexcept {
    skip_space();
    if (rest_.empty() || depth > kDepthMax) {
      return false;
    }
    std::string_view ignored;
    switch (rest_[0]) {
      case '"': return string(ignored);
      case '{': return members('{', '}', depth);
      case '[': return members('[', ']', depth);
      default: return scalar();
    }
  }
  bool members(char open, char close, int depth) noexcept {
    take(open);
    if (take(close)) {
      return true;
    }
    do {
      std::string_view key;
      if (open == '{' && (!string(key) || !take(':'))) {
        return false;
      }
      if (!value(depth + 1)) {
        return false;
      }
    } while (take(','));
    return take(close);
  }

  std::string_view rest_;
};

}  // namespace

std::optional<BrokerEpoch> parse_clean_shutdown(Bytes content) {
  const auto text = JsonScanner(as_text(content)).number_member("brokerEpoch");
  if (!text) {
    return std::nullopt;
  }
  const auto epoch = parse_decimal<std::int64_t>(*text);
  if (!epoch || *epoch < -1) {
    return std::nullopt;
  }
  return BrokerEpoch(*epoch);
}

std::string format_clean_shutdown(BrokerEpoch epoch) {
  return fmt::format("{{\"version\":0,\"brokerEpoch\":{}}}", epoch.value());
}

Result<CleanShutdown> read_clean_shutdown(runtime::FileSystem& fs, const std::string& directory) {
  const auto content =
      runtime::read_file(fs, runtime::join_path(directory, kCleanShutdownFile), kCleanShutdownBytesMax);
  if (content) {
    return CleanShutdown{true, parse_clean_shutdown(*content).value_or(kNoBrokerEpoch)};
  }
  switch (content.error().kind()) {
    case ErrorKind::kNotFound: return CleanShutdown{};
    case ErrorKind::kTooLarge: return CleanShutdown{true, kNoBrokerEpoch};
    default: return std::unexpected(content.error());
  }
}

Result<CleanShutdown> take_clean_shutdown(runtime::FileSystem& fs, const std::string& directory) {
  MOLDAU_TRY(found, read_clean_shutdown(fs, directory));
  if (found.clean) {
    MOLDAU_CHECK(fs.remove_file(runtime::join_path(directory, kCleanShutdownFile)));
    MOLDAU_CHECK(fs.sync_dir(directory));
  }
  return found;
}

Result<> write_clean_shutdown(runtime::FileSystem& fs, const std::string& directory, BrokerEpoch epoch) {
  return runtime::replace_file(fs, runtime::join_path(directory, kCleanShutdownFile),
                               as_bytes(format_clean_shutdown(epoch)));
}

}  // namespace moldau::storage

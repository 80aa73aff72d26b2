#include "storage/checkpoint/checkpoint_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"

namespace moldau::storage {
namespace {

// Java's \s of ASCII.
constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' || c == '\n';
}

// Cuts the next line off, without its end (\n, \r or \r\n); false when nothing is left.
bool next_line(std::string_view& rest, std::string_view& line) noexcept {
  if (rest.empty()) {
    return false;
  }
  const std::size_t end = rest.find_first_of("\r\n");
  line = rest.substr(0, end);
  if (end == std::string_view::npos) {
    rest = {};
    return true;
  }
  const bool crlf = rest[end] == '\r' && end + 1 < rest.size() && rest[end + 1] == '\n';
  rest.remove_prefix(end + (crlf ? 2 : 1));
  return true;
}

}  // namespace

Result<std::vector<CheckpointEntry>> parse_checkpoint(Bytes content, std::int32_t version) {
  std::vector<CheckpointEntry> entries;
  std::string_view rest = as_text(content);
  std::string_view line;
  if (!next_line(rest, line)) {
    return entries;
  }
  const auto read_version = parse_decimal<std::int32_t>(line);
  if (!read_version) {
    return fail(ErrorKind::kCorrupt, "checkpoint file: no version in its first line", 0, 1);
  }
  if (*read_version != version) {
    return fail(ErrorKind::kCorrupt, "checkpoint file: unknown version", 0, 1);
  }
  if (!next_line(rest, line)) {
    return fail(ErrorKind::kTruncated, "checkpoint file: no number of entries", 0, 2);
  }
  const auto count = parse_decimal<std::int32_t>(line);
  if (!count || *count < 0) {
    return fail(ErrorKind::kCorrupt, "checkpoint file: no number of entries in its second line", 0, 2);
  }
  std::int64_t number = 2;
  while (next_line(rest, line)) {
    ++number;
    if (number - 2 > *count) {
      return fail(ErrorKind::kCorrupt, "checkpoint file: more entries than it declares", 0, number);
    }
    entries.push_back({line, number});
  }
  if (number - 2 != *count) {
    return fail(ErrorKind::kCorrupt, "checkpoint file: fewer entries than it declares", 0, number);
  }
  return entries;
}

std::size_t split_fields(std::string_view line, std::span<std::string_view> fields) noexcept {
  std::size_t count = 0;
  std::size_t position = 0;
  while (position < line.size()) {
    std::size_t end = position;
    while (end < line.size() && !is_space(line[end])) {
      ++end;
    }
    if (count < fields.size()) {
      fields[count] = line.substr(position, end - position);
    }
    ++count;
    while (end < line.size() && is_space(line[end])) {
      ++end;
    }
    position = end;
  }
  return count;
}

void CheckpointText::add(std::string_view line) {
  MOLDAU_ASSERT(line.find_first_of("\r\n") == std::string_view::npos);
  lines_ += line;
  lines_ += '\n';
  ++count_;
}

std::string CheckpointText::content() const {
  return fmt::format("{}\n{}\n{}", version_, count_, lines_);
}

}  // namespace moldau::storage

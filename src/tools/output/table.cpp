#include "tools/output/table.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::tools {
namespace {

constexpr std::string_view kGap = "  ";

void append_row(std::string& text, const std::vector<std::string>& cells, const std::vector<Table::Column>& columns,
                const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - cells[i].size(), ' ');
    line += i == 0 ? "" : kGap;
    line += columns[i].align == Table::Align::kRight ? padding + cells[i] : cells[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  text += line;
  text += '\n';
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  MOLDAU_ASSERT(cells.size() == columns_.size(), static_cast<std::int64_t>(cells.size()));
  for (std::string& cell : cells) {
    std::ranges::replace_if(cell, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  }
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths.push_back(column.title.size());
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  append_row(text, titles, columns_, widths);
  for (const auto& row : rows_) {
    append_row(text, row, columns_, widths);
  }
  return text;
}

}  // namespace moldau::tools

// A table for people: columns as wide as their widest cell, two blanks between, nothing at the end of a line.
//
//   TOPIC   PARTITIONS  REPLICATION
//   orders           6            1
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace moldau::tools {

class Table {
 public:
  enum class Align : std::uint8_t { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns. Control characters are shown as '?', so that a cell cannot break the table.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace moldau::tools

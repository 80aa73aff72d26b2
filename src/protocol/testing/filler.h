// Gives random values to the fields of a message, from a seed. Strings, bytes and records that are views point into
// memory that the filler owns, so it must outlive the messages it filled. Small sizes mostly, now and then an edge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "protocol/wire/records.h"
#include "protocol/wire/unknown_tags.h"

namespace moldau::testing {

class Filler {
 public:
  explicit Filler(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] std::uint64_t next() noexcept;  // splitmix64
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  [[nodiscard]] int count() noexcept;  // of the elements of an array: 0 to 3
  [[nodiscard]] bool is_null(bool null_allowed) noexcept { return null_allowed && below(4) == 0; }

  void value(bool& out) noexcept { out = below(2) == 0; }
  void value(std::int8_t& out) noexcept { out = static_cast<std::int8_t>(integer()); }
  void value(std::int16_t& out) noexcept { out = static_cast<std::int16_t>(integer()); }
  void value(std::uint16_t& out) noexcept { out = static_cast<std::uint16_t>(integer()); }
  void value(std::int32_t& out) noexcept { out = static_cast<std::int32_t>(integer()); }
  void value(std::uint32_t& out) noexcept { out = static_cast<std::uint32_t>(integer()); }
  void value(std::int64_t& out) noexcept { out = static_cast<std::int64_t>(integer()); }
  void value(double& out) noexcept;
  void value(Uuid& out) noexcept { out = Uuid{next(), next()}; }
  void value(std::string_view& out) { out = text(); }
  void value(std::string& out) { out = text(); }
  void value(Bytes& out) { out = as_bytes(text()); }
  void value(ByteVector& out) { out = to_vector(as_bytes(text())); }
  void value(wire::Records& out) { out = wire::Records(as_bytes(text())); }
  template <class T>
  void value(std::vector<T>& out) {
    for (int n = count(); n > 0; --n) {
      T element{};
      value(element);
      out.push_back(std::move(element));
    }
  }
  // Makes an array of 0 to 3 elements, which the caller then fills.
  template <class T>
  [[nodiscard]] std::span<T> array(std::vector<T>& out) {
    out = std::vector<T>(static_cast<std::size_t>(count()));
    return out;
  }
  template <class T>
  [[nodiscard]] std::span<T> array(std::optional<std::vector<T>>& out) {
    return out.emplace(static_cast<std::size_t>(count()));
  }
  template <class T>
  void nullable(std::optional<T>& out, bool null_allowed) {
    if (is_null(null_allowed)) {
      out.reset();
    } else {
      value(out.emplace());
    }
  }

  // Sometimes a few tags, none of them in `known`, in ascending order.
  void unknown_tags(wire::UnknownTags& out, std::initializer_list<std::uint32_t> known);
  void unknown_tags(wire::OwnedUnknownTags& out, std::initializer_list<std::uint32_t> known);

 private:
  [[nodiscard]] std::uint64_t integer() noexcept;
  [[nodiscard]] std::string_view text();
  template <class Tags>
  void add_tags(Tags& out, std::initializer_list<std::uint32_t> known);

  std::uint64_t state_;
  std::deque<std::string> texts_;
};

}  // namespace moldau::testing

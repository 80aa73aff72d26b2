// The tagged fields of one structure that our schema does not name. They are kept, so that a structure read and
// written again loses nothing that a newer peer put into it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace moldau::wire {

inline constexpr std::uint32_t kTaggedFieldsMax = 1'000;  // of one structure, known ones included

// `Data` is Bytes (a view into the frame) or ByteVector (owned, for records that outlive their frame).
// Invariants: 1. in the order of the wire; 2. at most kTaggedFieldsMax. One pointer wide: almost always empty.
template <class Data>
class BasicUnknownTags {
 public:
  struct Field {
    std::uint32_t tag = 0;
    Data data{};
  };

  BasicUnknownTags() noexcept = default;
  BasicUnknownTags(const BasicUnknownTags& other)
      : fields_(other.fields_ ? std::make_unique<std::vector<Field>>(*other.fields_) : nullptr) {}
  BasicUnknownTags(BasicUnknownTags&&) noexcept = default;
  BasicUnknownTags& operator=(const BasicUnknownTags& other) {
    if (this != &other) {
      fields_ = other.fields_ ? std::make_unique<std::vector<Field>>(*other.fields_) : nullptr;
    }
    return *this;
  }
  BasicUnknownTags& operator=(BasicUnknownTags&&) noexcept = default;
  ~BasicUnknownTags() = default;

  [[nodiscard]] bool empty() const noexcept { return !fields_ || fields_->empty(); }
  [[nodiscard]] std::uint32_t size() const noexcept {
    return fields_ ? static_cast<std::uint32_t>(fields_->size()) : 0;
  }
  [[nodiscard]] const Field& operator[](std::uint32_t index) const noexcept { return (*fields_)[index]; }

  void add(std::uint32_t tag, Bytes data) {
    if (!fields_) {
      fields_ = std::make_unique<std::vector<Field>>();
    }
    fields_->push_back(Field{tag, Data(data.begin(), data.end())});
  }

  friend bool operator==(const BasicUnknownTags& a, const BasicUnknownTags& b) noexcept {
    if (a.size() != b.size()) {
      return false;
    }
    for (std::uint32_t i = 0; i < a.size(); ++i) {
      if (a[i].tag != b[i].tag || !equal(a[i].data, b[i].data)) {
        return false;
      }
    }
    return true;
  }

 private:
  std::unique_ptr<std::vector<Field>> fields_;
};

using UnknownTags = BasicUnknownTags<Bytes>;
using OwnedUnknownTags = BasicUnknownTags<ByteVector>;

}  // namespace moldau::wire

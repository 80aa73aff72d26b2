#include "protocol/testing/filler.h"

#include <algorithm>
#include <utility>

namespace moldau::testing {

std::uint64_t Filler::next() noexcept {
  state_ += 0x9E37'79B9'7F4A'7C15;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58'476D'1CE4'E5B9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D0'49BB'1331'11EB;
  return mixed ^ (mixed >> 31);
}

int Filler::count() noexcept {
  return static_cast<int>(below(4));
}

std::uint64_t Filler::integer() noexcept {
  switch (below(4)) {
    case 0: return below(3);
    case 1: return ~std::uint64_t{0} - below(3);
    default: return next();
  }
}

void Filler::value(double& out) noexcept {
  out = static_cast<double>(static_cast<std::int64_t>(next())) / 1024.0;
}

std::string_view Filler::text() {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const std::uint64_t size = below(16) == 0 ? 120 + below(200) : below(12);
  std::string made;
  for (std::uint64_t i = 0; i < size; ++i) {
    made.push_back(kAlphabet[below(kAlphabet.size())]);
  }
  return texts_.emplace_back(std::move(made));
}

template <class Tags>
void Filler::add_tags(Tags& out, std::initializer_list<std::uint32_t> known) {
  if (below(4) != 0) {
    return;
  }
  std::uint32_t tag = 0;
  for (int n = count(); n > 0; --n) {
    tag += static_cast<std::uint32_t>(below(below(4) == 0 ? 1'000'000 : 4));
    while (std::ranges::find(known, tag) != known.end()) {
      ++tag;
    }
    out.add(tag++, as_bytes(text()));
  }
}

void Filler::unknown_tags(wire::UnknownTags& out, std::initializer_list<std::uint32_t> known) {
  add_tags(out, known);
}

void Filler::unknown_tags(wire::OwnedUnknownTags& out, std::initializer_list<std::uint32_t> known) {
  add_tags(out, known);
}

}  // namespace moldau::testing

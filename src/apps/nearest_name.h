// Of some names the one that somebody may have meant who wrote another. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace moldau::apps {

// Letters inserted, left out, replaced, or two neighbours exchanged, that lead from one to the other. O(product of the
// lengths).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest, the first of equals; "" if none is near: more than a third of its letters, or than two, would change.
[[nodiscard]] std::string nearest_name(std::string_view wrong, std::span<const std::string> names);

}  // namespace moldau::apps

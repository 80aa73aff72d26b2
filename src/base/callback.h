// Callback: a move-only callable that is run once or more, with inline room for small captures.
// Lighter to compile than <functional>; used wherever a seam takes "run this".
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace moldau {

template <class Signature>
class Function;

template <class R, class... Args>
class Function<R(Args...)> {
  static constexpr std::size_t kInlineBytes = 48;

 public:
  Function() noexcept = default;
  Function(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): an empty callback

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Function> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  Function(F&& f) {  // NOLINT(google-explicit-constructor): lambdas convert
    using Decayed = std::decay_t<F>;
    if constexpr (fits<Decayed>()) {
      ::new (static_cast<void*>(storage_)) Decayed(std::forward<F>(f));
    } else {
      ::new (static_cast<void*>(storage_)) Decayed*(new Decayed(std::forward<F>(f)));
    }
    ops_ = &kOps<Decayed>;
  }

  Function(Function&& other) noexcept { take(other); }
  Function& operator=(Function&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;
  ~Function() { reset(); }

  explicit operator bool() const noexcept { return ops_ != nullptr; }

  R operator()(Args... args) {
    MOLDAU_ASSERT(ops_ != nullptr);
    return ops_->call(storage_, std::forward<Args>(args)...);
  }

  void reset() noexcept {
    if (ops_ != nullptr) {
      std::exchange(ops_, nullptr)->destroy(storage_);
    }
  }

 private:
  struct Ops {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };

  template <class F>
  static constexpr bool fits() {
    return sizeof(F) <= kInlineBytes && alignof(F) <= alignof(std::max_align_t) &&
           std::is_nothrow_move_constructible_v<F>;
  }

  template <class F>
  static F& target(void* storage) noexcept {
    if constexpr (fits<F>()) {
      return *std::launder(static_cast<F*>(storage));
    } else {
      return **std::launder(static_cast<F**>(storage));
    }
  }

  template <class F>
  static constexpr Ops kOps = {
      [](void* storage, Args&&... args) -> R { return target<F>(storage)(std::forward<Args>(args)...); },
      [](void* from, void* to) noexcept {
        if constexpr (fits<F>()) {
          ::new (to) F(std::move(target<F>(from)));
          target<F>(from).~F();
        } else {
          ::new (to) F*(*std::launder(static_cast<F**>(from)));
        }
      },
      [](void* storage) noexcept {
        if constexpr (fits<F>()) {
          target<F>(storage).~F();
        } else {
          delete &target<F>(storage);
        }
      }};

  void take(Function& other) noexcept {
    if (other.ops_ != nullptr) {
      other.ops_->move(other.storage_, storage_);
      ops_ = std::exchange(other.ops_, nullptr);
    }
  }

  alignas(std::max_align_t) std::byte storage_[kInlineBytes];
  const Ops* ops_ = nullptr;
};

using Callback = Function<void()>;

}  // namespace moldau

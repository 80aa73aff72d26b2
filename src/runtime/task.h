// Task<T>: a lazy coroutine for work that reads as a sequence of waits (start-up, controller operations, clients).
// Hot paths use plain calls and callbacks. Forward-declare it in headers that only name it.
//
// Runs on the shard that awaits it; there is no scheduler inside: a Task is resumed by whoever completes what it waits
// for, on the same shard. Rules: style.md, "Coroutines". Why not a library's: docs/decisions/2026-11-21-task.md.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "base/callback.h"

namespace moldau::runtime {

template <class T>
class Task;

namespace detail {

struct FinalAwaiter {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
    const auto continuation = handle.promise().continuation;
    return continuation ? continuation : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  // Expected failures are Results; what is left is a bug or out of memory, and neither has a caller to handle it.
  [[noreturn]] void unhandled_exception() const noexcept {
    assert_failed("an exception left a Task", __FILE__, __LINE__, {});
  }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) {
      handle_.destroy();
    }
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
    handle_.promise().continuation = caller;
    return handle_;
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) {
      return std::move(*handle_.promise().value);
    }
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// What a Task waits for when a callback completes it: `co_await event.wait()`, completed once by set(value).
// One waiter; value first or waiter first. The Event outlives both.
template <class T>
class Event {
 public:
  void set(T value) {
    MOLDAU_ASSERT(!value_.has_value());
    value_.emplace(std::move(value));
    if (waiter_) {
      std::exchange(waiter_, nullptr).resume();
    }
  }
  [[nodiscard]] bool is_set() const noexcept { return value_.has_value(); }

  [[nodiscard]] auto wait() noexcept {
    struct Awaiter {
      Event& event;
      [[nodiscard]] bool await_ready() const noexcept { return event.value_.has_value(); }
      void await_suspend(std::coroutine_handle<> handle) noexcept {
        MOLDAU_ASSERT(!event.waiter_);
        event.waiter_ = handle;
      }
      T await_resume() { return std::move(*event.value_); }
    };
    return Awaiter{*this};
  }

 private:
  std::optional<T> value_;
  std::coroutine_handle<> waiter_;
};

namespace detail {
// Its frame frees itself: only spawn() makes one.
struct Detached {
  struct promise_type {
    [[nodiscard]] Detached get_return_object() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept {
      assert_failed("an exception left a Task", __FILE__, __LINE__, {});
    }
  };
};
template <class T, class Done>
Detached run_detached(Task<T> task, Done done) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
    done();
  } else {
    done(co_await std::move(task));
  }
}
}  // namespace detail

// Starts the task now, on this shard; `done(result)` runs when it ends. The owner keeps what the task refers to alive
// until then (a Gate, usually).
template <class T, class Done>
void spawn(Task<T> task, Done done) {
  detail::run_detached(std::move(task), std::move(done));
}

}  // namespace moldau::runtime

// Threads that wait for short tasks: `run(task)` calls `task(t)` once on each of them, t = 0 on the calling thread.
//
// BPE training hands out tens of thousands of tasks of a few microseconds, too short for a lock and a condition. A
// thread looks for the next task for a while (kSpins, some ten microseconds) and then sleeps in the kernel, so that a
// machine with other work loses little. Who hands out tasks all the time, and sometimes does one alone, can ask for
// `yields` more looks before that, between which whatever else is ready to run gets the processor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "inline.h"

namespace corpusmill {

class ThreadTeam {
 public:
  explicit ThreadTeam(size_t threads, uint32_t yields = 0)
      : size_(threads < 1 ? 1 : threads), looks_(kSpins + yields) {
    for (size_t t = 1; t < size_; t++) {
      helpers_.emplace_back([this, t] { serve(t); });
    }
  }
  ~ThreadTeam() {
    stop_ = true;
    ticket_.fetch_add(1);
    ticket_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
  }
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  size_t size() const { return size_; }

  // Returns when all have returned; what they wrote is then seen here.
  template <typename Task>
  void run(Task&& task) {
    if (size_ == 1) {
      task(size_t{0});
      return;
    }
    context_ = &task;
    call_ = [](void* context, size_t t) { (*static_cast<std::remove_reference_t<Task>*>(context))(t); };
    running_.store(static_cast<uint32_t>(size_ - 1), std::memory_order_relaxed);
    ticket_.fetch_add(1, std::memory_order_release);
    ticket_.notify_all();
    task(size_t{0});
    for (uint32_t left = running_.load(std::memory_order_acquire), spins = 0; left != 0;
         left = running_.load(std::memory_order_acquire)) {
      if (++spins < looks_) pause(spins);
      else running_.wait(left, std::memory_order_acquire);
    }
  }

 private:
  static constexpr uint32_t kSpins = 400;

  static void pause(uint32_t spins) {
    if (spins >= kSpins) {
      std::this_thread::yield();
      return;
    }
#if defined(CORPUSMILL_X86)
    __builtin_ia32_pause();
#endif
  }

  void serve(size_t t) {
    uint32_t seen = 0;
    for (;;) {
      uint32_t now = ticket_.load(std::memory_order_acquire);
      for (uint32_t spins = 0; now == seen; now = ticket_.load(std::memory_order_acquire)) {
        if (++spins < looks_) pause(spins);
        else ticket_.wait(seen, std::memory_order_acquire);
      }
      seen = now;
      if (stop_) return;
      call_(context_, t);
      if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
    }
  }

  const size_t size_;
  const uint32_t looks_;
  std::vector<std::thread> helpers_;
  void* context_ = nullptr;
  void (*call_)(void*, size_t) = nullptr;
  bool stop_ = false;
  alignas(64) std::atomic<uint32_t> ticket_{0};
  alignas(64) std::atomic<uint32_t> running_{0};
};

}  // namespace corpusmill

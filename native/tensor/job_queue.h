// Jobs done one after the other on a thread of their own, off JavaScript's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace corpusmill::tensor {

class Job {
 public:
  virtual ~Job() = default;
  // On the queue's thread.
  virtual void work() = 0;
};

class JobQueue {
 public:
  // `on_done` is called on the queue's thread after each job; `take_done` then has it.
  explicit JobQueue(std::function<void()> on_done) : on_done_(std::move(on_done)), thread_([this] { serve(); }) {}
  ~JobQueue() { stop(); }
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  void add(std::unique_ptr<Job> job) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      waiting_.push_back(std::move(job));
    }
    wake_.notify_one();
  }

  std::vector<std::unique_ptr<Job>> take_done() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(done_, {});
  }

  // Becomes true when the queue is stopped; jobs that take long look at it.
  const std::atomic<bool>& stopping() const { return stopping_; }

  // Returns when the thread has ended; jobs that have not begun never do.
  void stop() {
    stopping_ = true;
    { const std::lock_guard<std::mutex> lock(mutex_); }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      std::unique_ptr<Job> job = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      job->work();
      lock.lock();
      done_.push_back(std::move(job));
      lock.unlock();
      on_done_();
      lock.lock();
    }
  }

  std::function<void()> on_done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> waiting_;
  std::vector<std::unique_ptr<Job>> done_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace corpusmill::tensor

// JavaScript's door to native/read_ranges.cc: checks arguments, then reads on a thread of the pool, or at once into memory that
// the caller has. What the pool reads into JavaScript gets when the reads are done and not before, so that nothing can take it
// away from under them.

#include <napi.h>

#ifdef _WIN32

// File numbers mean something to the C library that opened them only; the twin reads through Node's.
void RegisterReadRanges(Napi::Env, Napi::Object) {}

#else

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

#include "arguments.h"
#include "promised_work.h"
#include "read_ranges.h"

namespace {

using corpusmill::list_or_null;
using corpusmill::number_or_null;
using corpusmill::Range;

constexpr double kMostBytes = 1ull << 40, kMostPosition = 9007199254740991.0;

struct Free {
  void operator()(uint8_t* memory) const { std::free(memory); }
};

// [range, bytes read of it, errno or 0]; null where the thread is being ended.
napi_value failed(napi_env env, const corpusmill::RangesRead& read) {
  return list_or_null(env, {number_or_null(env, static_cast<double>(read.complete)),
                            number_or_null(env, static_cast<double>(read.filled)), number_or_null(env, read.error)});
}

class Reading : public corpusmill::PromisedWork {
 public:
  Reading(std::vector<Range> ranges, std::unique_ptr<uint8_t, Free> memory, size_t bytes)
      : ranges_(std::move(ranges)), memory_(std::move(memory)), bytes_(bytes) {}

 protected:
  void execute() override { read_ = corpusmill::read_ranges(ranges_.data(), ranges_.size(), memory_.get()); }

  // The memory, or what the range was that failed.
  napi_value result(napi_env env) override {
    if (read_.complete < ranges_.size()) return failed(env, read_);
    napi_value buffer = nullptr;
    const auto free_memory = [](napi_env, void* data, void*) { std::free(data); };
    if (napi_create_external_arraybuffer(env, memory_.get(), bytes_, free_memory, nullptr, &buffer) != napi_ok) return nullptr;
    memory_.release();
    return buffer;
  }

 private:
  std::vector<Range> ranges_;
  std::unique_ptr<uint8_t, Free> memory_;
  size_t bytes_;
  corpusmill::RangesRead read_;
};

// The ranges of the next argument, four numbers each: file, position, bytes, place in the memory. `end` is where the last of
// them ends there, `sum` the bytes of all.
std::vector<Range> ranges_of(corpusmill::Arguments& arguments, double& end, double& sum) {
  size_t numbers = 0;
  const double* const given = arguments.own_array<double>(napi_float64_array, 0, &numbers);
  if (numbers % 4 != 0) arguments.fail("must have four numbers a range");
  std::vector<Range> ranges(arguments.ok() ? numbers / 4 : 0);
  const auto whole = [](double value, double most) { return value >= 0 && value <= most && std::floor(value) == value; };
  for (size_t i = 0; i < ranges.size() && arguments.ok(); i++) {
    const double* const range = given + 4 * i;
    // -1 - number for a file in memory.
    if (!whole(range[0] < 0 ? -1 - range[0] : range[0], 0x7ffffffe) || !whole(range[1], kMostPosition) || !whole(range[2], kMostBytes) ||
        !whole(range[3], kMostBytes)) {
      arguments.fail("has a range that is out of bounds");
      break;
    }
    ranges[i] = {static_cast<int>(range[0]), static_cast<int64_t>(range[1]), static_cast<size_t>(range[2]),
                 static_cast<size_t>(range[3])};
    end = std::max(end, range[2] + range[3]);
    sum += range[2];
  }
  return ranges;
}

// readRanges(ranges, bytes): Promise of a block of memory
Napi::Value ReadRanges(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "readRanges");
  double end = 0, sum = 0;
  std::vector<Range> ranges = ranges_of(arguments, end, sum);
  const size_t bytes = arguments.integer(kMostBytes);
  if (arguments.ok() && end > static_cast<double>(bytes)) arguments.fail("is less than the ranges need");
  if (!arguments.ok()) return info.Env().Undefined();
  // Where the ranges leave nothing out, clearing it first would be a tenth of the whole time.
  const bool is_full = sum >= static_cast<double>(bytes) && bytes > 0;
  void* const block = is_full ? std::malloc(bytes) : std::calloc(bytes + 1, 1);
  std::unique_ptr<uint8_t, Free> memory(static_cast<uint8_t*>(block));
  if (memory == nullptr) {
    Napi::RangeError::New(info.Env(), "readRanges: there is not enough memory").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return corpusmill::PromisedWork::start(info.Env(), "corpusmill:readRanges",
                                         std::make_unique<Reading>(std::move(ranges), std::move(memory), bytes));
}

// readRangesInto(ranges, into): undefined when all are read, else which failed
Napi::Value ReadRangesInto(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "readRangesInto");
  double end = 0, sum = 0;
  const std::vector<Range> ranges = ranges_of(arguments, end, sum);
  size_t bytes = 0;
  uint8_t* const into = arguments.array<uint8_t>(napi_uint8_array, 0, &bytes);
  if (arguments.ok() && end > static_cast<double>(bytes)) arguments.fail("is less than the ranges need");
  if (!arguments.ok()) return info.Env().Undefined();
  const corpusmill::RangesRead read = corpusmill::read_ranges(ranges.data(), ranges.size(), into);
  if (read.complete < ranges.size()) return {info.Env(), failed(info.Env(), read)};
  return info.Env().Undefined();
}

}  // namespace

void RegisterReadRanges(Napi::Env env, Napi::Object exports) {
  exports.Set("readRanges", Napi::Function::New(env, ReadRanges, "readRanges"));
  exports.Set("readRangesInto", Napi::Function::New(env, ReadRangesInto, "readRangesInto"));
}

#endif

// Many byte ranges of open files, read one after another into one block of memory: what a batch of rows takes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill {

struct Range {
  // Number of an open file; -1 - number of one in memory (memory_files.h).
  int file;
  int64_t position;
  size_t bytes;
  // Where the bytes go, from the block's start.
  size_t at;
};

struct RangesRead {
  // Ranges that were read in full, from the first on.
  size_t complete = 0;
  // Bytes read of the range behind them; the file ended there when `error` is 0.
  size_t filled = 0;
  // errno, or 0.
  int error = 0;
};

// `into` has room for every range. Stops at the first that cannot be read in full.
RangesRead read_ranges(const Range* ranges, size_t count, uint8_t* into);

}  // namespace corpusmill

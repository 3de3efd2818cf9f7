// A positioned read costs the kernel about a microsecond from its cache; from JavaScript each costs ten to twenty. The
// twin in src/shards/loader/read-ranges.ts makes the same reads through Node.
//
// Files are read, not mapped: a file that is cut short while it is mapped would end the process (SIGBUS).

#include "read_ranges.h"

#include "memory_files.h"

#ifndef _WIN32

#include <unistd.h>

#include <cerrno>

namespace corpusmill {

RangesRead read_ranges(const Range* ranges, size_t count, uint8_t* into) {
  RangesRead result;
  for (; result.complete < count; result.complete++) {
    const Range& range = ranges[result.complete];
    if (range.file < 0) {
      result.filled = memory_files::read(-1 - range.file, static_cast<size_t>(range.position), range.bytes, into + range.at);
      if (result.filled < range.bytes) return result;
      continue;
    }
    result.filled = 0;
    while (result.filled < range.bytes) {
      const ssize_t got = pread(range.file, into + range.at + result.filled, range.bytes - result.filled,
                                static_cast<off_t>(range.position + static_cast<int64_t>(result.filled)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) result.error = errno;
      if (got <= 0) return result;
      result.filled += static_cast<size_t>(got);
    }
  }
  return result;
}

}  // namespace corpusmill

#endif

// Writes files that exist whole or not at all, as src/io/atomic.ts says, in one go on one thread. POSIX only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace corpusmill {

struct FilePiece {
  const uint8_t* bytes;
  size_t length;
};

struct WholeFile {
  std::string path;
  // In the same folder, a name that nobody else has.
  std::string temporary;
  std::string folder;
  std::vector<FilePiece> pieces;
};

// The file that failed, with the system call and its errno; `call` is null when none did.
struct FailedFile {
  size_t file = 0;
  const char* call = nullptr;
  int error = 0;
};

// The pieces of every file go to its temporary file; the disk takes them all; the files but the last are renamed, and the disk takes
// their folders, where the file system can do that; then the same with the last. After a failure no temporary file is left; some of
// the files may be there by then, but not the last.
FailedFile write_whole_files(const std::vector<WholeFile>& files);

}  // namespace corpusmill

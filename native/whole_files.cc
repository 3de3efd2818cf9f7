#include "whole_files.h"

#ifndef _WIN32

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace corpusmill {
namespace {

// Linux writes no more at once.
constexpr size_t kMostAtOnce = 1 << 30;

// Calls again what a signal interrupted; -1 with errno set when it failed.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

struct FailedCall {
  const char* name = nullptr;
  int error = 0;
};

FailedCall write_pieces(int file, const std::vector<FilePiece>& pieces) {
  for (const FilePiece& piece : pieces) {
    for (size_t at = 0; at < piece.length;) {
      const size_t size = std::min(piece.length - at, kMostAtOnce);
      const ssize_t written = uninterrupted([&] { return write(file, piece.bytes + at, size); });
      if (written < 0) return {"write", errno};
      at += static_cast<size_t>(written);
    }
  }
  return {};
}

int open_for_writing(const char* path) {
  return uninterrupted([&] { return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666); });
}

// Has the disk begin with what was written, so that what the file system then notes of several files it notes at once: a third
// of the work of one fsync behind the other.
void begin_to_sync([[maybe_unused]] int file) {
#ifdef __linux__
  sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
}

int sync(int file) {
#ifdef F_FULLFSYNC
  // fsync of macOS leaves data in the disk's own memory; not every file system has this one.
  if (uninterrupted([&] { return fcntl(file, F_FULLFSYNC); }) == 0) return 0;
#endif
  return uninterrupted([&] { return fsync(file); });
}

// Some file systems refuse fsync on a folder: the rename itself has succeeded.
void sync_folder(const std::string& folder) {
  const int opened = uninterrupted([&] { return open(folder.c_str(), O_RDONLY | O_CLOEXEC); });
  if (opened < 0) return;
  sync(opened);
  close(opened);
}

// Temporary files from being opened until they are renamed; what is left of them at the end is closed and removed.
class Temporaries {
 public:
  explicit Temporaries(const std::vector<WholeFile>& files) : files_(files), open_(files.size(), -1) {}
  Temporaries(const Temporaries&) = delete;
  Temporaries& operator=(const Temporaries&) = delete;

  ~Temporaries() {
    for (size_t i = renamed_; i < made_; i++) {
      if (open_[i] >= 0) close(open_[i]);
      unlink(files_[i].temporary.c_str());
    }
  }

  // Each of these for all files in order.
  FailedCall write_next() {
    const WholeFile& file = files_[made_];
    const int opened = open_for_writing(file.temporary.c_str());
    if (opened < 0) return {"open", errno};
    open_[made_++] = opened;
    const FailedCall failed = write_pieces(opened, file.pieces);
    if (failed.name == nullptr) begin_to_sync(opened);
    return failed;
  }

  FailedCall sync_file(size_t i) {
    if (sync(open_[i]) != 0) return {"fsync", errno};
    const int closed = close(std::exchange(open_[i], -1));
    // Not called again after a signal: the number may be another file's by then.
    if (closed != 0 && errno != EINTR) return {"close", errno};
    return {};
  }

  FailedCall rename_next() {
    const WholeFile& file = files_[renamed_];
    if (rename(file.temporary.c_str(), file.path.c_str()) != 0) return {"rename", errno};
    renamed_++;
    return {};
  }

 private:
  const std::vector<WholeFile>& files_;
  std::vector<int> open_;
  size_t made_ = 0, renamed_ = 0;
};

}  // namespace

FailedFile write_whole_files(const std::vector<WholeFile>& files) {
  Temporaries temporaries(files);
  for (size_t i = 0; i < files.size(); i++) {
    if (const FailedCall failed = temporaries.write_next(); failed.name != nullptr) return {i, failed.name, failed.error};
  }
  for (size_t i = 0; i < files.size(); i++) {
    if (const FailedCall failed = temporaries.sync_file(i); failed.name != nullptr) return {i, failed.name, failed.error};
  }
  for (size_t i = 0; i < files.size(); i++) {
    if (const FailedCall failed = temporaries.rename_next(); failed.name != nullptr) return {i, failed.name, failed.error};
    const bool is_next_same = i + 2 < files.size() && files[i + 1].folder == files[i].folder;
    if (!is_next_same) sync_folder(files[i].folder);
  }
  return {};
}

}  // namespace corpusmill

#endif

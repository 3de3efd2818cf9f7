// Files that are nowhere but in the memory of the process, seen by all of its threads: scratch that is worth less than writing it
// to a disk. They lie one behind the other in large pages, which cost a five-hundredth of the page faults of a file's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace corpusmill::memory_files {

struct Piece {
  const uint8_t* bytes;
  size_t length;
};

// Keeps a file of these pieces under a name, in the place of one that has it. False, and nothing is kept, where all of them
// would take more than `most` bytes, or there is no memory.
bool keep(const std::string& name, const std::vector<Piece>& pieces, size_t most);

// The number of a file, from 0 on, or -1.
int number_of(const std::string& name);

// Bytes of a file; 0 where there is none.
size_t size_of(int number);

// Copies bytes of a file from a position on; how many there are, at most `bytes`.
size_t read(int number, size_t position, size_t bytes, uint8_t* into);

// Lets go of the files whose names begin so. Nobody may be reading them.
void forget(const std::string& prefix);

}  // namespace corpusmill::memory_files

#include "ngram_lm_words.h"

#include <cstring>

namespace corpusmill::ngram_lm {

namespace {

// What is written at most before room is looked for again.
constexpr size_t kRoom = 3;

uint32_t hash_token(const uint8_t* bytes, size_t length) {
  uint32_t hash = 0x811c9dc5;
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 0x01000193;
  return hash ^ (hash >> 15);
}

bool is_delimiter(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == 0; }

bool is_reserved(const uint8_t* word, size_t length) {
  const auto is = [&](const char* other) { return std::memcmp(word, other, length) == 0; };
  if (length == 3) return is("<s>");
  if (length == 4) return is("</s>");
  return length == 5 && (is("<unk>") || is("<UNK>"));
}

}  // namespace

int64_t Words::find(const uint8_t* word, size_t length) const {
  const size_t mask = slot_count - 1;
  size_t slot = hash_token(word, length) & mask;
  for (size_t probes = 0; probes < slot_count; probes++) {
    const uint32_t id = slots[slot];
    if (id == 0 || id > count) return -1;
    const uint32_t start = starts[id - 1];
    const uint32_t end = starts[id];
    if (end - start == length && end <= byte_count && start <= end && std::memcmp(bytes + start, word, length) == 0) {
      return id - 1;
    }
    slot = (slot + 1) & mask;
  }
  return -1;
}

Halt encode(const Words& words, const uint8_t* bytes, size_t length, bool is_open, bool keep_empty, uint32_t* ids,
            size_t capacity, EncodeState* state) {
  size_t position = state->position;
  uint32_t at = state->at;
  uint32_t start = state->start;
  Halt halt = Halt::kDone;
  while (position < length) {
    const uint8_t byte = bytes[position];
    if (capacity - at < kRoom) {
      halt = Halt::kFull;
      break;
    }
    if (byte == '\n') {
      if (at > start || keep_empty) {
        if (at == start) ids[at++] = kSentenceStart;
        ids[at++] = kSentenceEnd;
      }
      start = at;
      position++;
      continue;
    }
    if (is_delimiter(byte)) {
      position++;
      continue;
    }
    size_t end = position + 1;
    while (end < length && bytes[end] != '\n' && !is_delimiter(bytes[end])) end++;
    if (byte != '<' || !is_reserved(bytes + position, end - position)) {
      const int64_t id = words.find(bytes + position, end - position);
      if (id < 0 && is_open) {
        halt = Halt::kNewWord;
        break;
      }
      if (at == start) ids[at++] = kSentenceStart;
      ids[at++] = id < 0 ? kUnknown : static_cast<uint32_t>(id);
    }
    position = end;
  }
  state->position = static_cast<uint32_t>(position);
  state->at = at;
  state->start = start;
  return halt;
}

}  // namespace corpusmill::ngram_lm

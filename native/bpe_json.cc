#include "bpe_json.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "json_string.h"
#include "utf8.h"

namespace corpusmill::bpe {
namespace {

using json::kNone;

// More would be gigabytes of tables.
constexpr uint32_t kMostTokens = 1u << 24;
// Bytes of a short word, its id and what stands around them.
constexpr size_t kLeastEntry = 8;
// What `decode_string` writes beyond a word.
constexpr size_t kPadding = 16;

size_t skip_space(const uint8_t* bytes, size_t at, size_t end) {
  while (at < end && (json::is_space(bytes[at]) || bytes[at] == '\n')) at++;
  return at;
}

// Behind the string whose opening quote is at `at`.
size_t skip_string(const uint8_t* bytes, size_t at, size_t end) {
  for (at++; at < end; at++) {
    if (bytes[at] == '"') return at + 1;
    if (bytes[at] == '\\') at++;
  }
  return kNone;
}

// Behind the value at `at`: an object or a list to its closing bracket, anything else to the next comma or bracket.
size_t skip_value(const uint8_t* bytes, size_t at, size_t end) {
  size_t depth = 0;
  while (at < end) {
    switch (bytes[at]) {
      case '"':
        at = skip_string(bytes, at, end);
        if (at == kNone) return kNone;
        if (depth == 0) return at;
        continue;
      case '{':
      case '[':
        depth++;
        break;
      case '}':
      case ']':
        if (depth == 0) return at;
        if (--depth == 0) return at + 1;
        break;
      case ',':
        if (depth == 0) return at;
        break;
      default:
        break;
    }
    at++;
  }
  return kNone;
}

// Calls `member(name, length, value)` for each of an object's members; `value` is where its value begins, and the call returns
// where it ends. Returns the place behind the object, kNone where it is none.
template <typename Member>
size_t each_member(const uint8_t* bytes, size_t at, size_t end, Member member) {
  if (at == end || bytes[at] != '{') return kNone;
  at = skip_space(bytes, at + 1, end);
  if (at < end && bytes[at] == '}') return at + 1;
  for (;;) {
    if (at == end || bytes[at] != '"') return kNone;
    const size_t name = at + 1;
    at = skip_string(bytes, at, end);
    if (at == kNone) return kNone;
    const size_t length = at - 1 - name;
    at = skip_space(bytes, at, end);
    if (at == end || bytes[at] != ':') return kNone;
    at = skip_space(bytes, at + 1, end);
    at = member(bytes + name, length, at);
    if (at == kNone) return kNone;
    at = skip_space(bytes, at, end);
    if (at == end) return kNone;
    if (bytes[at] == '}') return at + 1;
    if (bytes[at] != ',') return kNone;
    at = skip_space(bytes, at + 1, end);
  }
}

template <size_t Size>
bool is(const uint8_t* name, size_t length, const char (&word)[Size]) {
  return length == Size - 1 && std::memcmp(name, word, length) == 0;
}

uint64_t hash_of(const uint8_t* bytes, size_t length) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  uint64_t hash = length * kOdd;
  for (; length >= 8; length -= 8, bytes += 8) {
    uint64_t eight;
    std::memcpy(&eight, bytes, 8);
    hash = (hash ^ eight) * kOdd;
    hash ^= hash >> 32;
  }
  uint64_t rest = 0;
  std::memcpy(&rest, bytes, length);
  hash = (hash ^ rest) * kOdd;
  return hash ^ (hash >> 29);
}

// The byte that a character of GPT-2's byte alphabet stands for (src/tokenizer/byte-alphabet.ts), -1 for others.
struct Alphabet {
  int16_t byte_of[0x200];
  Alphabet() {
    for (int16_t& byte : byte_of) byte = -1;
    int moved = 0;
    for (int byte = 0; byte < 256; byte++) {
      const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
      byte_of[printable ? byte : 0x100 + moved++] = static_cast<int16_t>(byte);
    }
  }
};

// Words with their ids, found by their characters in UTF-8.
class Words {
 public:
  struct Word {
    uint32_t start;
    uint32_t length;
    uint32_t id;
    // Where it lies in the JSON, its quotes included.
    uint32_t from;
    uint32_t to;
  };

  // Reads the object between two places of JSON.
  bool read(const uint8_t* bytes, size_t from, size_t to) {
    text_.reset(new (std::nothrow) uint8_t[to - from + kPadding]);
    if (text_ == nullptr) return false;
    // Rooms that are too large cost nothing, growing does.
    words_.reserve((to - from) / kLeastEntry);
    size_t end = 0;
    const size_t behind = each_member(bytes, from, to, [&](const uint8_t* name, size_t, size_t value) {
      size_t length = 0;
      uint32_t units = 0;
      const auto at = static_cast<size_t>(name - bytes);
      const size_t quote = json::decode_string(bytes, at, to, text_.get() + end, length, units);
      if (quote == kNone || length == 0) return kNone;
      uint32_t id = 0;
      const size_t rest = read_id(bytes, value, to, id);
      words_.push_back({static_cast<uint32_t>(end), static_cast<uint32_t>(length), id, static_cast<uint32_t>(at - 1),
                        static_cast<uint32_t>(quote + 1)});
      end += length;
      return rest;
    });
    return behind == to && index();
  }

  const std::vector<Word>& all() const { return words_; }
  const uint8_t* text(const Word& word) const { return text_.get() + word.start; }

  // The id of a word, or -1.
  int32_t find(const uint8_t* text, size_t length) const {
    for (size_t slot = hash_of(text, length) & mask_;; slot = (slot + 1) & mask_) {
      if (slots_[slot] == 0) return -1;
      const Word& word = words_[slots_[slot] - 1];
      if (word.length == length && std::memcmp(this->text(word), text, length) == 0) return static_cast<int32_t>(word.id);
    }
  }

 private:
  static size_t read_id(const uint8_t* bytes, size_t at, size_t end, uint32_t& id) {
    const size_t start = at;
    for (; at < end && bytes[at] >= '0' && bytes[at] <= '9'; at++) {
      id = id * 10 + (bytes[at] - '0');
      if (id >= kMostTokens) return kNone;
    }
    const bool is_padded = at > start + 1 && bytes[start] == '0';
    return at == start || is_padded ? kNone : at;
  }

  bool index() {
    slots_.assign(std::bit_ceil(words_.size() * 2 + 2), 0);
    mask_ = slots_.size() - 1;
    for (size_t i = 0; i < words_.size(); i++) {
      const Word& word = words_[i];
      size_t slot = hash_of(text(word), word.length) & mask_;
      for (; slots_[slot] != 0; slot = (slot + 1) & mask_) {
        const Word& other = words_[slots_[slot] - 1];
        if (other.length == word.length && std::memcmp(text(other), text(word), word.length) == 0) return false;
      }
      slots_[slot] = static_cast<uint32_t>(i + 1);
    }
    return true;
  }

  std::unique_ptr<uint8_t[]> text_;
  std::vector<Word> words_;
  // Number of a word, plus one.
  std::vector<uint32_t> slots_;
  size_t mask_ = 0;
};

// Writes the bytes of a word in the byte alphabet, one a character; how many, or kNone.
size_t to_bytes(const uint8_t* word, size_t length, uint8_t* out) {
  static const Alphabet alphabet;
  size_t count = 0;
  for (size_t i = 0; i < length; i++) {
    uint32_t character = word[i];
    if (character >= 0x80) {
      if (character >= 0xe0) return kNone;
      character = ((character & 0x1f) << 6) | (word[++i] & 0x3fu);
    }
    const int byte = character < 0x200 ? alphabet.byte_of[character] : -1;
    if (byte < 0) return kNone;
    out[count++] = static_cast<uint8_t>(byte);
  }
  return count;
}

// Tokens by id. False for an id that two words have.
bool lay_out(const Words& words, ModelTables& tables) {
  uint32_t tokens = 0;
  for (const Words::Word& word : words.all()) tokens = std::max(tokens, word.id + 1);
  constexpr uint32_t kNoWord = UINT32_MAX;
  std::vector<uint32_t> word_of(tokens, kNoWord);
  size_t bytes = 0;
  for (size_t i = 0; i < words.all().size(); i++) {
    const Words::Word& word = words.all()[i];
    if (word_of[word.id] != kNoWord) return false;
    word_of[word.id] = static_cast<uint32_t>(i);
    bytes += word.length;
  }
  tables.bytes.resize(bytes);
  tables.starts.assign(tokens + 1, 0);
  size_t end = 0;
  for (uint32_t id = 0; id < tokens; id++) {
    if (word_of[id] != kNoWord) {
      const Words::Word& word = words.all()[word_of[id]];
      const size_t written = to_bytes(words.text(word), word.length, tables.bytes.data() + end);
      if (written == kNone) {
        tables.outside.insert(tables.outside.end(), {id, word.from, word.to});
      } else {
        end += written;
      }
    }
    tables.starts[id + 1] = static_cast<uint32_t>(end);
  }
  tables.bytes.resize(end);
  return true;
}

class Merges {
 public:
  Merges(const uint8_t* bytes, const Words& words, ModelTables& tables) : bytes_(bytes), words_(words), tables_(tables) {}

  // Reads the list between two places of JSON.
  bool read(size_t at, size_t end) {
    pair_.reset(new (std::nothrow) uint8_t[end - at + kPadding]);
    if (pair_ == nullptr || at == end || bytes_[at] != '[') return false;
    at = skip_space(bytes_, at + 1, end);
    if (at < end && bytes_[at] == ']') return at + 1 == end;
    for (;;) {
      at = merge(at, end);
      if (at == kNone) return false;
      at = skip_space(bytes_, at, end);
      if (at == end) return false;
      if (bytes_[at] == ']') return at + 1 == end;
      if (bytes_[at] != ',') return false;
      at = skip_space(bytes_, at + 1, end);
    }
  }

 private:
  // A string of two words, or a list of two strings.
  size_t merge(size_t at, size_t end) {
    if (at == end) return kNone;
    if (bytes_[at] == '"') {
      size_t length = 0;
      at = word(at, end, 0, length);
      if (at == kNone) return kNone;
      const auto* const space = static_cast<uint8_t*>(std::memchr(pair_.get(), ' ', length));
      if (space == nullptr) return kNone;
      const auto left = static_cast<size_t>(space - pair_.get());
      if (std::memchr(space + 1, ' ', length - left - 1) != nullptr) return kNone;
      std::memmove(pair_.get() + left, space + 1, length - left - 1);
      return add(left, length - 1) ? at : kNone;
    }
    if (bytes_[at] != '[') return kNone;
    size_t left = 0;
    size_t right = 0;
    at = word(skip_space(bytes_, at + 1, end), end, 0, left);
    if (at == kNone) return kNone;
    at = skip_space(bytes_, at, end);
    if (at == end || bytes_[at] != ',') return kNone;
    at = word(skip_space(bytes_, at + 1, end), end, left, right);
    if (at == kNone) return kNone;
    at = skip_space(bytes_, at, end);
    if (at == end || bytes_[at] != ']') return kNone;
    return add(left, left + right) ? at + 1 : kNone;
  }

  // Reads the string whose opening quote is at `at` to place `to` of the pair.
  size_t word(size_t at, size_t end, size_t to, size_t& length) {
    if (at == end || bytes_[at] != '"') return kNone;
    uint32_t units = 0;
    const size_t quote = json::decode_string(bytes_, at + 1, end, pair_.get() + to, length, units);
    return quote == kNone ? kNone : quote + 1;
  }

  bool add(size_t left, size_t both) {
    const uint8_t* const pair = pair_.get();
    const int32_t left_id = words_.find(pair, left);
    const int32_t right_id = words_.find(pair + left, both - left);
    const int32_t product = words_.find(pair, both);
    if (left_id < 0 || right_id < 0 || product < 0) return false;
    tables_.lefts.push_back(left_id);
    tables_.rights.push_back(right_id);
    tables_.products.push_back(product);
    return true;
  }

  const uint8_t* const bytes_;
  const Words& words_;
  ModelTables& tables_;
  // Both words of a merge, end to end.
  std::unique_ptr<uint8_t[]> pair_;
};

}  // namespace

bool find_model(const uint8_t* bytes, size_t length, ModelPlaces& places) {
  // Places are of 32 bits.
  if (length >= UINT32_MAX) return false;
  int models = 0, vocabs = 0, merges = 0;
  const auto part = [&](const uint8_t* name, size_t size, size_t value) {
    const size_t end = skip_value(bytes, value, length);
    if (is(name, size, "vocab")) {
      vocabs++;
      places.vocab = value;
      places.vocab_end = end;
    } else if (is(name, size, "merges")) {
      merges++;
      places.merges = value;
      places.merges_end = end;
    } else if (std::memchr(name, '\\', size) != nullptr) {
      return kNone;
    }
    return end;
  };
  const size_t end = each_member(bytes, skip_space(bytes, 0, length), length, [&](const uint8_t* name, size_t size, size_t value) {
    if (std::memchr(name, '\\', size) != nullptr) return kNone;
    if (!is(name, size, "model")) return skip_value(bytes, value, length);
    models++;
    return each_member(bytes, value, length, part);
  });
  return end != kNone && models == 1 && vocabs == 1 && merges == 1;
}

bool read_model(const uint8_t* bytes, const ModelPlaces& places, ModelTables& tables) {
  for (const auto& [from, to] : {std::pair{places.vocab, places.vocab_end}, std::pair{places.merges, places.merges_end}}) {
    if (utf8::check(bytes + from, to - from).length != to - from) return false;
  }
  Words words;
  return words.read(bytes, places.vocab, places.vocab_end) && lay_out(words, tables) &&
         Merges(bytes, words, tables).read(places.merges, places.merges_end);
}

}  // namespace corpusmill::bpe

// When are two documents near-copies? The rules, what they go by and the twin that gives the same answers are in
// src/dedup/likeness.ts; whether something stands in another order, in src/dedup/order.ts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "room.h"
#include "shingles.h"

namespace corpusmill::likeness {

struct Rule {
  // By Jaccard similarity, of which only `threshold` is asked; else by containment.
  bool is_jaccard = false;
  size_t shingle_tokens = 1;
  double threshold = 0;
  double min_shingles = 0, min_tokens = 0, max_reordered = 0, fragment = 0, exact_below = 0, ordered_below = 0;
};

enum class Relation { kApart, kAlike, kFragmentOfHeld, kFragmentOfOpen };

// A document's different shingles and, by containment, its different tokens, each in the order of the text.
struct Held {
  const uint32_t* shingles;
  size_t shingle_count;
  const uint32_t* tokens;
  size_t token_count;
};

enum class Opened { kYes, kUnknownCharacter, kNoMemory };

// The document that held ones are compared with. Its tokens are made a set when they are first asked for: most pairs
// fail before.
class OpenDocument {
 public:
  explicit OpenDocument(const Rule& rule) : rule_(rule) {}

  // Of a text in UTF-8. kUnknownCharacter: it has one that folded_tokens was not told of.
  Opened open(const uint8_t* bytes, size_t length);
  // Of a document that was held. `held` must stay as long as it is open.
  Opened reopen(const Held& held);
  // Its own sets, good until another is opened: what is to be held. Null when there is no memory.
  const Held* sets();
  // How it and `held` stand to each other. False when there is no memory.
  bool compare(const Held& held, Relation* relation);
  // Jaccard similarity or containment of shingles, by the rule, in the last comparison.
  double similarity() const { return similarity_; }

 private:
  bool open_tokens();
  bool contained(const Held& held, Relation* relation);

  const Rule rule_;
  Room<uint16_t> units_;
  Room<uint32_t> folded_;
  Room<uint32_t> hashes_;
  shingles::HashSet shingle_set_;
  shingles::HashSet token_set_;
  // Tokens, repeats included, that the set of them is made of.
  const uint32_t* tokens_ = nullptr;
  size_t token_count_ = 0;
  bool has_token_set_ = false;
  Held sets_{};
  double similarity_ = 0;
};

// How many of the values that both lists have stand in another order; of the shorter list the first 128 count. Each list
// has different values.
size_t moved_values(const uint32_t* a, size_t a_count, const uint32_t* b, size_t b_count);

}  // namespace corpusmill::likeness

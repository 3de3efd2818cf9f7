// The two large parts of an HF tokenizer.json, `model.vocab` and `model.merges`, from its bytes: tables of ids without a string
// of JavaScript for any word. Whatever is not as every such file has it is left to JavaScript, which says what is wrong with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace corpusmill::bpe {

// Where the two values lie: the first byte of each, and that behind it.
struct ModelPlaces {
  size_t vocab = 0;
  size_t vocab_end = 0;
  size_t merges = 0;
  size_t merges_end = 0;
};

// Finds them in JSON of `length` bytes. False where one is missing or comes twice. What lies outside of them is not checked.
bool find_model(const uint8_t* bytes, size_t length, ModelPlaces& places);

// What src/tokenizer/hf-json.ts, `readVocab` and `readMerges`, make of them.
struct ModelTables {
  // Bytes of token i: bytes[starts[i], starts[i + 1]); none where no word has the id, or one outside the byte alphabet.
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> starts;
  // By rank: the ids that are joined and what they become.
  std::vector<int32_t> lefts;
  std::vector<int32_t> rights;
  std::vector<int32_t> products;
  // Words outside the byte alphabet: id, and where the word lies in the JSON, its quotes included.
  std::vector<uint32_t> outside;
};

// Reads them. False where anything is left to JavaScript: bytes that are no UTF-8, half of a surrogate pair, a word that comes
// twice or is empty, a number that is no id, a merge of a word that is none.
bool read_model(const uint8_t* bytes, const ModelPlaces& places, ModelTables& tables);

}  // namespace corpusmill::bpe

// JavaScript's door to native/parquet_pages.cc: pages compressed with Snappy, ready to be written behind their headers.

#include <napi.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "arguments.h"
#include "parquet_pages.h"

namespace {

namespace parquet = corpusmill::parquet;

constexpr size_t kMostPage = 0x7fffffff;

Napi::Value compressed(Napi::Env env, const std::vector<uint8_t>& page) {
  std::vector<uint8_t> out;
  out.reserve(32 + page.size() + page.size() / 6);
  parquet::snappy(page.data(), page.size(), out);
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, out.size());
  std::memcpy(bytes.Data(), out.data(), out.size());
  return bytes;
}

// parquetNumbers(values, facts): a page of DELTA_BINARY_PACKED; `facts` gets its bytes before compression, least and largest value
Napi::Value ParquetNumbers(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "parquetNumbers");
  size_t count = 0;
  const int32_t* const values = arguments.own_array<int32_t>(napi_int32_array, 1, &count);
  if (arguments.ok() && count > kMostPage / 8) arguments.fail("is too long for a page");
  double* const facts = arguments.own_array<double>(napi_float64_array, 3);
  if (!arguments.ok()) return info.Env().Undefined();
  std::vector<uint8_t> page;
  page.reserve(count * 2);
  parquet::delta_binary_packed(values, count, page);
  const auto [least, most] = std::minmax_element(values, values + count);
  facts[0] = static_cast<double>(page.size());
  facts[1] = *least;
  facts[2] = *most;
  return compressed(info.Env(), page);
}

// parquetStrings(bytes, starts, ends, first, last, pageBytes, facts): a page of PLAIN strings from number `first` on, up to `last`
// or as many as together have fewer than `pageBytes` bytes, but one at least; `facts` gets the page's bytes before compression,
// and the number of the first string that is not on it
Napi::Value ParquetStrings(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "parquetStrings");
  size_t length = 0, count = 0;
  const uint8_t* const bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &length);
  const double* const starts = arguments.own_array<double>(napi_float64_array, 0, &count);
  const double* const ends = arguments.own_array<double>(napi_float64_array, count);
  const size_t first = arguments.integer(static_cast<double>(count));
  const size_t last = arguments.integer(static_cast<double>(count));
  if (arguments.ok() && last < first) arguments.fail("lies before the first");
  const size_t page_bytes = arguments.integer(kMostPage / 8);
  double* const facts = arguments.own_array<double>(napi_float64_array, 2);
  if (!arguments.ok()) return info.Env().Undefined();
  std::vector<uint8_t> page;
  page.reserve(page_bytes + page_bytes / 4);
  size_t sum = 0;
  size_t string = first;
  for (; string < last; string++) {
    const double start = starts[string], end = ends[string];
    if (!(start >= 0 && start <= end && end <= static_cast<double>(length)) || end - start > kMostPage / 4) {
      arguments.fail("ends before a string that does not lie within the bytes");
      return info.Env().Undefined();
    }
    const auto size = static_cast<size_t>(end) - static_cast<size_t>(start);
    sum += size;
    if (sum >= page_bytes && string > first) break;
    parquet::plain_string(bytes + static_cast<size_t>(start), size, page);
  }
  facts[0] = static_cast<double>(page.size());
  facts[1] = static_cast<double>(string);
  return compressed(info.Env(), page);
}

}  // namespace

void RegisterParquetPages(Napi::Env env, Napi::Object exports) {
  exports.Set("parquetNumbers", Napi::Function::New(env, ParquetNumbers, "parquetNumbers"));
  exports.Set("parquetStrings", Napi::Function::New(env, ParquetStrings, "parquetStrings"));
}

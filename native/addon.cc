// The add-on's table of contents: each kernel registers itself here and nowhere else.
// A kernel is two files: NAME.cc/.h (plain C++ over pointers, knows nothing of JavaScript) and NAME_binding.cc (checks
// every argument and throws a JavaScript error for a wrong one, so that no call from JavaScript can crash the process).

#include <napi.h>

void RegisterAttention(Napi::Env env, Napi::Object exports);
void RegisterBpeEncode(Napi::Env env, Napi::Object exports);
void RegisterBpeJson(Napi::Env env, Napi::Object exports);
void RegisterBpeTrain(Napi::Env env, Napi::Object exports);
void RegisterBpeScan(Napi::Env env, Napi::Object exports);
void RegisterDocumentColumns(Napi::Env env, Napi::Object exports);
void RegisterFastText(Napi::Env env, Napi::Object exports);
void RegisterGemm(Napi::Env env, Napi::Object exports);
void RegisterJsonl(Napi::Env env, Napi::Object exports);
void RegisterKeyMatch(Napi::Env env, Napi::Object exports);
void RegisterLargePages(Napi::Env env, Napi::Object exports);
void RegisterMemoryFiles(Napi::Env env, Napi::Object exports);
void RegisterMinhash(Napi::Env env, Napi::Object exports);
void RegisterMinhash61(Napi::Env env, Napi::Object exports);
void RegisterNgramLm(Napi::Env env, Napi::Object exports);
void RegisterNormalText(Napi::Env env, Napi::Object exports);
void RegisterPageCache(Napi::Env env, Napi::Object exports);
void RegisterPairSort(Napi::Env env, Napi::Object exports);
void RegisterPairSweep(Napi::Env env, Napi::Object exports);
void RegisterParquetPages(Napi::Env env, Napi::Object exports);
void RegisterReadRanges(Napi::Env env, Napi::Object exports);
void RegisterPieceTable(Napi::Env env, Napi::Object exports);
void RegisterShardPieces(Napi::Env env, Napi::Object exports);
void RegisterSuffixArray(Napi::Env env, Napi::Object exports);
void RegisterTensor(Napi::Env env, Napi::Object exports);
void RegisterTextPieces(Napi::Env env, Napi::Object exports);
void RegisterTextRows(Napi::Env env, Napi::Object exports);
void RegisterThreadText(Napi::Env env, Napi::Object exports);
void RegisterVectorMath(Napi::Env env, Napi::Object exports);
void RegisterWholeFiles(Napi::Env env, Napi::Object exports);
void RegisterWords(Napi::Env env, Napi::Object exports);

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  RegisterAttention(env, exports);
  RegisterBpeEncode(env, exports);
  RegisterBpeJson(env, exports);
  RegisterBpeTrain(env, exports);
  RegisterBpeScan(env, exports);
  RegisterDocumentColumns(env, exports);
  RegisterFastText(env, exports);
  RegisterGemm(env, exports);
  RegisterJsonl(env, exports);
  RegisterKeyMatch(env, exports);
  RegisterLargePages(env, exports);
  RegisterMemoryFiles(env, exports);
  RegisterMinhash(env, exports);
  RegisterMinhash61(env, exports);
  RegisterNgramLm(env, exports);
  RegisterNormalText(env, exports);
  RegisterPageCache(env, exports);
  RegisterPairSort(env, exports);
  RegisterPairSweep(env, exports);
  RegisterParquetPages(env, exports);
  RegisterReadRanges(env, exports);
  RegisterPieceTable(env, exports);
  RegisterShardPieces(env, exports);
  RegisterSuffixArray(env, exports);
  RegisterTensor(env, exports);
  RegisterTextPieces(env, exports);
  RegisterTextRows(env, exports);
  RegisterThreadText(env, exports);
  RegisterVectorMath(env, exports);
  RegisterWholeFiles(env, exports);
  RegisterWords(env, exports);
  return exports;
}

NODE_API_MODULE(corpusmill, Init)

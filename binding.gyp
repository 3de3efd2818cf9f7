{
  "targets": [
    {
      "target_name": "corpusmill",
      "sources": [
        "native/addon.cc",
        "native/bpe_encode.cc",
        "native/bpe_encode_binding.cc",
        "native/bpe_merge.cc",
        "native/bpe_model.cc",
        "native/bpe_pairs.cc",
        "native/bpe_train.cc",
        "native/bpe_train_binding.cc",
        "native/bpe_scan.cc",
        "native/bpe_scan_binding.cc",
        "native/fasttext_binding.cc",
        "native/fasttext_centroids.cc",
        "native/fasttext_descent.cc",
        "native/fasttext_row_kernels.cc",
        "native/fasttext_texts.cc",
        "native/fasttext_vector.cc",
        "native/folded_tokens.cc",
        "native/large_pages_binding.cc",
        "native/minhash_binding.cc",
        "native/minhash.cc",
        "native/read_ranges_binding.cc",
        "native/read_ranges.cc",
        "native/shingles.cc",
        "native/minhash61_binding.cc",
        "native/minhash61.cc",
        "native/ngram_lm_binding.cc",
        "native/ngram_lm_count.cc",
        "native/ngram_lm_estimate.cc",
        "native/ngram_lm_tables.cc",
        "native/ngram_lm_words.cc",
        "native/piece_table.cc",
        "native/piece_table_binding.cc",
        "native/suffix_array_binding.cc",
        "native/suffix_array.cc",
        "native/text_key.cc",
        "native/thread_text_binding.cc",
        "native/unicode_class.cc",
        "native/utf8.cc",
        "native/words_binding.cc",
        "native/words.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS"],
      # No -march: one binary must run on every x86-64 and arm64; kernels choose their instruction set at run time.
      # No fused multiply-add: kernels on floats give the bits of their twins, which have none.
      "cflags": ["-O3", "-Wall", "-Wextra", "-fvisibility=hidden", "-ffp-contract=off"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-O2"],
      "cflags_cc": ["-std=c++20"],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
        "GCC_OPTIMIZATION_LEVEL": "3",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "OTHER_CFLAGS": ["-ffp-contract=off"],
        "MACOSX_DEPLOYMENT_TARGET": "11.0"
      },
      "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/std:c++20", "/O2"] } }
    }
  ]
}

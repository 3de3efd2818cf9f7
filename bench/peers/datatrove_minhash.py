"""datatrove's MinHash signatures (its own normalizer, tokenizer and hash functions) over the first documents of a
JSONL file: prints one JSON object with bytes of text, documents and CPU seconds.

    python datatrove_minhash.py web-mix.jsonl.gz 400
"""
import gzip
import json
import sys
import tempfile
import time

from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig

path, limit = sys.argv[1], int(sys.argv[2])
texts = []
with gzip.open(path, "rt", encoding="utf-8") as lines:
    for line in lines:
        row = json.loads(line)
        if row["lang"] == "en":
            texts.append(row["text"])
        if len(texts) == limit:
            break

with tempfile.TemporaryDirectory() as folder:
    # sha1, because its call of xxhash fails with that package's version 4; hashing is a small share of the time.
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(hash_fc="sha1"))
    signer = MinhashDedupSignature(folder, config)

    def sign(text: str) -> None:
        shingles = signer.get_shingles(text)
        if shingles.size != 0:
            signer.get_signature(shingles)

    # The first call loads the tokenizer.
    sign(texts[0])
    start = time.process_time()
    for text in texts:
        sign(text)
    seconds = time.process_time() - start

print(json.dumps({"bytes": sum(len(t.encode()) for t in texts), "documents": len(texts), "seconds": seconds}))

"""text-dedup's MinHash signatures, its published algorithm in our own words (the package wants its own environment):
a text is lower-cased and cut at everything that is no word character; the set of its n-grams, joined by a space, is
hashed by the low 32 bits of XXH3 (or SHA-1, where xxhash is not installed); each hash goes through every
permutation (h·a + b) mod (2^61 - 1), low 32 bits; the signature is the minimum over the n-grams.

    python text_dedup_minhash.py web-mix.jsonl.gz DOCUMENTS NGRAM PERMUTATIONS

Prints one JSON object: bytes of text, documents, CPU seconds of one thread, and which hash was used.
"""
import gzip
import hashlib
import json
import re
import struct
import sys
import time

import numpy as np

try:
    import xxhash

    HASH = "xxh3"

    def hash32(data: bytes) -> int:
        return xxhash.xxh3_64_intdigest(data) & 0xFFFFFFFF

except ImportError:
    HASH = "sha1"

    def hash32(data: bytes) -> int:
        return struct.unpack("<I", hashlib.sha1(data).digest()[:4])[0]


path, limit, ngram, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
texts = []
with gzip.open(path, "rt", encoding="utf-8") as lines:
    for line in lines:
        texts.append(json.loads(line)["text"])
        if len(texts) == limit:
            break

PRIME = np.uint64((1 << 61) - 1)
LOW = np.uint64(0xFFFFFFFF)
NO_WORD = re.compile(r"\W", re.UNICODE)
random = np.random.RandomState(42)
A = random.randint(1, PRIME, size=count, dtype=np.uint64)
B = random.randint(0, PRIME, size=count, dtype=np.uint64)


def sign(text: str) -> np.ndarray:
    words = [word for word in NO_WORD.split(text.lower()) if word]
    if len(words) <= ngram:
        grams = {" ".join(words)}
    else:
        grams = {" ".join(gram) for gram in zip(*(words[i:] for i in range(ngram)))}
    hashes = np.array([hash32(gram.encode("utf-8")) for gram in grams], dtype=np.uint64)
    permuted = ((hashes[:, None] * A) + B) % PRIME & LOW
    return np.vstack([permuted, np.full((1, count), LOW, dtype=np.uint64)]).min(axis=0)


sign(texts[0])
start = time.process_time()
for text in texts:
    sign(text)
seconds = time.process_time() - start
print(
    json.dumps(
        {
            "bytes": sum(len(text.encode()) for text in texts),
            "documents": len(texts),
            "seconds": seconds,
            "hash": HASH,
        }
    )
)

"""datatrove's Gopher quality, Gopher repetition, C4 and FineWeb filters over documents from standard input.

Input: one JSON string (a text) a line. Output: one JSON object with documents, bytes, kept and CPU seconds, the filters
in one chain with their default options, a document leaving at the first filter that drops it. Loading is not counted.
"""

import json
import sys
import time

from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter


def main():
    chain = [GopherQualityFilter(), GopherRepetitionFilter(), C4QualityFilter(), FineWebQualityFilter()]
    texts = [json.loads(line) for line in sys.stdin]
    for step in chain:
        step.filter(Document(text="Warm up: load the tokenizer.\nTwice.", id="0"))
    kept = 0
    start = time.process_time()
    for text in texts:
        document = Document(text=text, id="0")
        for step in chain:
            verdict = step.filter(document)
            if verdict is not True:
                break
        else:
            kept += 1
    seconds = time.process_time() - start
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    print(json.dumps({"documents": len(texts), "bytes": size, "kept": kept, "cpuSeconds": seconds}))


main()

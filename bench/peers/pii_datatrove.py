"""datatrove's PIIFormatter over documents from standard input.

Input: one JSON string (a text) a line. Output: one JSON object with bytes and CPU seconds. Loading is not counted.
"""

import json
import sys
import time

from datatrove.pipeline.formatters import PIIFormatter


def main():
    formatter = PIIFormatter()
    texts = [json.loads(line) for line in sys.stdin]
    start = time.process_time()
    for text in texts:
        formatter.format(text)
    seconds = time.process_time() - start
    print(json.dumps({"bytes": sum(len(text.encode("utf-8", "replace")) for text in texts), "cpuSeconds": seconds}))


main()

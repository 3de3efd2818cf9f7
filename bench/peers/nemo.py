"""NVIDIA NeMo Curator's English heuristics (its own filter classes) over documents from standard input.

Input: one JSON string (a text) a line. Output with `scores`: a line a text, an object of each filter's name to
[score, keep], or to the name of the exception it raised, where it raised one; `topTies` gives for the top n-gram filters the smallest and
largest score among equally frequent n-grams, since which of them counts depends on Python's hash seed. Output with
`chain`: one object with documents, bytes, kept and CPU seconds, filters in the order of the pipeline's YAML, a document
leaving at the first filter that drops it. Loading is not counted.

The classes are read from a checkout of github.com/NVIDIA-NeMo/Curator (CORPUSMILL_NEMO, by default
~/.cache/corpusmill/src/NeMo-Curator); only its text filters are loaded, so that neither Ray nor a GPU is needed. Needs
the packages regex, loguru, pyyaml.
"""

import importlib
import json
import os
import sys
import time
import types
from collections import Counter

import yaml

ROOT = os.environ.get("CORPUSMILL_NEMO", os.path.expanduser("~/.cache/corpusmill/src/NeMo-Curator"))
PACKAGES = [
    "nemo_curator",
    "nemo_curator.stages",
    "nemo_curator.stages.text",
    "nemo_curator.stages.text.utils",
    "nemo_curator.stages.text.filters",
    "nemo_curator.stages.text.filters.heuristic",
    "nemo_curator.stages.text.filters.heuristic.repetition",
]


def load_filters():
    """The filters of the English pipeline with its options, as (name, filter)."""
    for package in PACKAGES:
        # A package without its __init__, which would import the whole toolkit.
        module = types.ModuleType(package)
        module.__path__ = [os.path.join(ROOT, *package.split("."))]
        sys.modules[package] = module
    path = os.path.join(ROOT, "nemo_curator/config/text/heuristic_filter_english_pipeline.yaml")
    with open(path, encoding="utf-8") as file:
        stages = yaml.safe_load(file)["stages"]
    filters = []
    for stage in stages:
        if "filter_obj" not in stage:
            continue
        options = dict(stage["filter_obj"])
        module, _, name = options.pop("_target_").rpartition(".")
        # The repetition package re-exports its one module; its __init__ is not run here.
        if module.endswith(".repetition"):
            module += ".repetition"
        made = getattr(importlib.import_module(module), name)(**options)
        filters.append((name + (str(options["n"]) if "n" in options else ""), made))
    return filters


def score(made, text):
    try:
        value = made.score_document(text)
        return [value, bool(made.keep_document(value))]
    except (ZeroDivisionError, ValueError) as error:
        return type(error).__name__


def top_ties(text, n):
    words = text.split()
    counts = Counter(zip(*[words[i:] for i in range(n)]))
    if not counts:
        return [1.0, 1.0]
    most = max(counts.values())
    tied = [" ".join(gram) for gram, times in counts.items() if times == most]
    # Many ties are all n-grams of a text without repetition: a few of the longest and shortest show the range.
    if len(tied) > 400:
        tied.sort(key=len)
        tied = tied[:200] + tied[-200:]
    shares = [len(gram) * text.count(gram) / len(text) for gram in tied]
    return [min(shares), max(shares)]


def print_scores(filters, texts):
    for text in texts:
        row = {name: score(made, text) for name, made in filters}
        row["topTies"] = {str(n): top_ties(text, n) for n in (2, 3, 4)}
        print(json.dumps(row))


def print_chain(filters, texts):
    for _, made in filters:
        score(made, "Warm up: the filters of the chain.\nTwice.")
    kept = 0
    start = time.process_time()
    for text in texts:
        for _, made in filters:
            outcome = score(made, text)
            if isinstance(outcome, str) or not outcome[1]:
                break
        else:
            kept += 1
    seconds = time.process_time() - start
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    print(json.dumps({"documents": len(texts), "bytes": size, "kept": kept, "cpuSeconds": seconds}))


def main():
    mode = sys.argv[1]
    filters = load_filters()
    texts = [json.loads(line) for line in sys.stdin]
    (print_scores if mode == "scores" else print_chain)(filters, texts)


main()

"""DCLM-baseline's heuristics over documents from standard input: a judge for corpusmill's `dclm` counting.

Needs a checkout of github.com/mlfoundations/dclm, whose folder is the one argument; its functions are imported from there. What they
import but the heuristics do not use is replaced by empty modules. Replaced by equivalents, since not always available: retrie
(an alternation in its place, letter case ignored in the pre-check as retrie does), fastText's tokenizer (ASCII white
space and NUL), nltk's ngrams (zip). uniseg's words are given with each document, so that both sides see the same.

Input: one JSON object a line: text; without, the text that is left without URLs and surplus newlines, as corpusmill has it; and
words, the UAX #29 segments of that.
Output: one JSON object a line: reason (null: kept) and text; the last line is {"cpuSeconds", "bytes"}.
"""

import json
import re
import sys
import time
import types


class Words:
    """The segments of the text that is being judged."""

    text = None
    words = ()


class Anything(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


def stub(name, **members):
    module = Anything(name)
    for key, value in members.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def segments(text):
    if text != Words.text:
        raise ValueError("another text than the words are of")
    return Words.words


class Blacklist:
    def __init__(self, entries, match_substrings=False):
        longest_first = sorted(entries, key=len, reverse=True)
        self.compiled = re.compile("(?:" + "|".join(longest_first) + ")", re.IGNORECASE)


def prepare(root):
    sys.path[:0] = [root, root + "/baselines"]
    for name in ["blingfire", "unidecode", "justext", "lxml", "bs4", "transformers"]:
        stub(name)
    stub("lxml.etree", ParserError=Exception)
    stub("nltk", ngrams=lambda items, n: zip(*(items[i:] for i in range(n))))
    stub("nltk.tokenize")
    stub("nltk.tokenize.punkt")
    tokenizer = types.SimpleNamespace(tokenize=lambda text: [w for w in re.split("[ \n\r\t\v\f\0]+", text) if w])
    stub("fasttext", FastText=tokenizer)
    stub("uniseg")
    stub("uniseg.wordbreak", words=segments)
    stub("retrie")
    stub("retrie.retrie", Blacklist=Blacklist)
    # Packages that import all they have: only the files with heuristics are loaded.
    mappers = ["baselines.mappers", "baselines.mappers.filters", "baselines.mappers.enrichers"]
    for package in ["core", "baselines.core", *mappers]:
        folder = package if package.startswith("baselines") else "baselines." + package
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = [root + "/" + folder.replace(".", "/")]


def steps(root):
    from baselines.mappers.enrichers import enrichers
    from baselines.mappers.filters import content_filters as f
    from baselines.mappers import modifiers as m

    short = {"max_length": 10, "remove_substring_only": True}
    return [
        ("url_removal", m.url_removal_modifier(tlds_filepath=root + "/baselines/mappers/iana_tlds.txt")),
        ("newlines", m.newline_removal_modifier(max_consecutive=2)),
        (
            "page_length",
            lambda page: f.page_length_filter(
                page, length_type="word", min_length=50, max_length=100000, ignore_punctuation=True
            ),
        ),
        ("word_length", lambda page: f.word_length_filter(page, min_length=3, max_length=10)),
        ("symbol_ratio", lambda page: f.symbol_ratio_filter(page, max_symbol_to_word_ratio=0.1)),
        ("bullet_count", lambda page: f.bullet_count_filter(page, max_bullet_start_ratio=0.9)),
        ("ellipsis_count", lambda page: f.ellipsis_count_filter(page, max_ellipsis_end_ratio=0.3)),
        ("alphabetic_word_ratio", lambda page: f.alphabetic_word_ratio_filter(page, max_ratio=0.2)),
        ("stop_word", lambda page: f.stop_word_filter(page, count_unique=False, min_stop_word=2)),
        ("repetition", f.massive_web_repetition_filters),
        ("count", lambda page: enrichers.word_counter_enricher(page, key="previous_word_count")),
        ("uppercase", lambda page: m.uppercase_ratio_line_modifier(page, max_ratio=0.5)),
        ("numeric", lambda page: m.numeric_ratio_line_modifier(page, max_ratio=0.999999)),
        ("counter", m.counter_line_modifier()),
        ("line_length", lambda page: m.line_length_modifier(page, min_length=2)),
        ("cart", m.substring_line_modifier(banlist="items in cart", **short)),
        ("read_more", m.substring_line_modifier(banlist="Read more...", location="suffix", **short)),
        ("sign_in", m.substring_line_modifier(banlist="Sign-in", location="prefix", **short)),
        (
            "word_removal_ratio",
            lambda page: f.word_removal_ratio_filter(
                page, prev_word_count_key="previous_word_count", max_removed_ratio=0.05
            ),
        ),
    ]


def main():
    root = sys.argv[1].rstrip("/")
    prepare(root)
    chain = steps(root)
    documents = [json.loads(line) for line in sys.stdin]
    size = sum(len(document["text"].encode()) for document in documents)
    start = time.process_time()
    for document in documents:
        Words.text, Words.words = document["without"], document["words"]
        page = {"text": document["text"]}
        reason = None
        for name, step in chain:
            try:
                kept = step(page)
            except ValueError as error:
                reason = str(error)
                break
            if not kept:
                reason = name
                break
            page = kept[0]
        print(json.dumps({"reason": reason, "text": page["text"]}))
    print(json.dumps({"cpuSeconds": time.process_time() - start, "bytes": size}))


main()

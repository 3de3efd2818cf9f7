"""Data-Juicer's text operators and RedPajama-V2's quality signals over documents from standard input.

Usage: text_statistics.py data-juicer CHECKOUT | redpajama-v2 CHECKOUT [BAD_WORDS_DIR]. Input: one JSON string (a text) a
line. Output: one JSON object a text, statistic or signal by name, then one with the CPU seconds. CHECKOUT is a copy of the
peer's repository (github.com/datajuicer/data-juicer, github.com/togethercomputer/RedPajama-Data); only the modules that count
are loaded, what they import for other purposes is stubbed.
"""

import json
import os
import re
import sys
import time
import types


def module(name, path=None, **members):
    made = types.ModuleType(name)
    if path is not None:
        made.__path__ = [path]
    made.__dict__.update(members)
    sys.modules[name] = made


def data_juicer(checkout):
    root = os.path.join(checkout, "data_juicer")
    for name in ("", "utils", "ops", "ops.filter"):
        module(f"data_juicer.{name}".rstrip("."), os.path.join(root, *name.split(".")))

    class Names(type):
        def __getattr__(cls, name):
            return name

    class Registry:
        def register_module(self, *_):
            return lambda cls: cls

    class Filter:
        def __init__(self, *_, **__):
            self.text_key = "text"

    names = {key: Names(key, (), {}) for key in ("Fields", "StatsKeys", "InterVars")}
    module("data_juicer.utils.constant", **names)
    module("data_juicer.utils.model_utils", get_model=lambda *_: None, prepare_model=lambda *_, **__: None)
    module("data_juicer.ops.base_op", OPERATORS=Registry(), Filter=Filter)
    module("data_juicer.ops.op_fusion", INTER_LINES=Registry(), INTER_WORDS=Registry())
    from data_juicer.ops.filter.alphanumeric_filter import AlphanumericFilter
    from data_juicer.ops.filter.average_line_length_filter import AverageLineLengthFilter
    from data_juicer.ops.filter.character_repetition_filter import CharacterRepetitionFilter
    from data_juicer.ops.filter.maximum_line_length_filter import MaximumLineLengthFilter
    from data_juicer.ops.filter.special_characters_filter import SpecialCharactersFilter
    from data_juicer.ops.filter.text_length_filter import TextLengthFilter
    from data_juicer.ops.filter.word_repetition_filter import WordRepetitionFilter
    from data_juicer.ops.filter.words_num_filter import WordsNumFilter

    operators = [
        AlphanumericFilter(),
        AverageLineLengthFilter(),
        CharacterRepetitionFilter(),
        MaximumLineLengthFilter(),
        SpecialCharactersFilter(),
        TextLengthFilter(),
        WordRepetitionFilter(),
        WordsNumFilter(),
    ]

    def measure(text):
        samples = {"text": [text], "stats": [{}]}
        for operator in operators:
            operator.compute_stats_batched(samples)
        return samples["stats"][0]

    return measure


def redpajama(checkout, bad_words=None):
    root = os.path.join(checkout, "app", "src")
    sys.path.insert(0, root)
    module("utilities", os.path.join(root, "utilities"))
    module("utilities.register", os.path.join(root, "utilities", "register"))

    # NLTK's tokenizer as it was when the signals were published: newer versions use the package regex, whose \w has
    # combining marks too.
    class WordPunctTokenizer:
        tokenize = staticmethod(re.compile(r"\w+|[^\w\s]+").findall)

    module("nltk")
    module("nltk.tokenize", WordPunctTokenizer=WordPunctTokenizer)
    from core.document import Document
    from core.quality_signals import content, lines, natural_language, repetitions
    from utilities.register.registry_utils import get_callables_from_module

    signals = [cls() for part in (natural_language, repetitions, lines) for cls in get_callables_from_module(part)]
    signals += [content.RPS_Doc_Lorem_Ipsum(), content.RPS_Doc_Curly_Bracket()]
    signals += [content.RPS_Doc_Stop_Word_Fraction(language="en")]
    if bad_words is not None:
        signals += [content.RPS_Doc_LDNOOBW_Words(bad_words_dir=bad_words, language="en")]

    def measure(text):
        document = Document(text, domain=None)
        return {signal.field_name: signal(document) for signal in signals}

    return measure


def main():
    peer, *args = sys.argv[1:]
    measure = {"data-juicer": data_juicer, "redpajama-v2": redpajama}[peer](*args)
    texts = [json.loads(line) for line in sys.stdin]
    measure("Warm up.\nTwice.")
    start = time.process_time()
    measured = [measure(text) for text in texts]
    seconds = time.process_time() - start
    for values in measured:
        print(json.dumps(values, default=float))
    print(json.dumps({"cpuSeconds": seconds}))


main()

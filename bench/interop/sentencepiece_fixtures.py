"""Makes the SentencePiece models and expected ids that tests/tokenizer/formats reads.

python bench/interop/sentencepiece_fixtures.py tests/tokenizer/formats/fixtures   (pip install sentencepiece==0.2.2)

Small models of a few sentences written here, one for each setting that encoding depends on. What they give for the
texts below is SentencePiece's own output.
"""

import json
import sys
import tempfile
from pathlib import Path

import sentencepiece

SENTENCES = [
    "The old harbour lies at the end of the long road, and the road is never empty.",
    "In the morning the boats come in; in the evening they go out again.",
    "She counted 12 nets, 345 floats and 6789 knots - and then she counted again...",
    "老港口在长路的尽头，路上总有人。早上船回来，晚上船出去。",
    "Старая гавань лежит в конце длинной дороги, и дорога никогда не пустует.",
    "Der alte Hafen liegt am Ende der langen Straße; niemand weiß, wie alt er ist.",
    "if (a == b) { return  c; } else { return d; }  // two  spaces",
]
TEXTS = SENTENCES + [
    "",
    " ",
    "   leading and trailing   ",
    "the the the harbourharbour",
    "tab\tand\nnew line",
    "unknown: \u0e01\u0e33 \U0001f44b\U0001f3fd \u05e9",
    "....... .. ...",
    "<sep>the<sep><sep> road<mask> of <cls> and <s> </s> <unk> <0x41>",
    "\uff26\uff35\uff2c\uff2c \u00e9 e\u0301",
    "\u2581already \u2581\u2581escaped",
    "a" * 300,
    "aaa bbb" * 40,
    "\ufeffbom\u00a0nbsp\u3000wide",
]
# A table of replacements small enough for a repository (nmt_nfkc's has 240 kB): full-width capitals, e with an accent,
# odd spaces, and one that deletes.
RULES = "".join(
    f"{ord(chr(0xFF21 + i)):X}\t{ord('A') + i:X}\n" for i in range(26)
) + "65 301\tE9\nA0\t20\n3000\t20\n9\t20\nA\t20\nFEFF\t\n"
MODELS = {
    "unigram": dict(model_type="unigram", vocab_size=180, rules=True),
    "unigram-user": dict(
        model_type="unigram",
        vocab_size=470,
        byte_fallback=True,
        user_defined_symbols=["<sep>", "<mask>", "har"],
        control_symbols=["<cls>"],
        add_dummy_prefix=False,
        normalization_rule_name="identity",
    ),
    "bpe": dict(model_type="bpe", vocab_size=240, rules=True),
    "bpe-llama": dict(
        model_type="bpe",
        vocab_size=520,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
    ),
    "bpe-user": dict(
        model_type="bpe",
        vocab_size=250,
        user_defined_symbols=["<sep>", "<mask>", "har"],
        treat_whitespace_as_suffix=True,
        split_by_whitespace=False,
        normalization_rule_name="identity",
    ),
}


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Path(scratch, "corpus.txt")
        corpus.write_text("\n".join(SENTENCES * 3) + "\n")
        rules = Path(scratch, "rules.tsv")
        rules.write_text(RULES)
        expected = {}
        for name, settings in MODELS.items():
            settings = dict(settings)
            if settings.pop("rules", False):
                settings["normalization_rule_tsv"] = str(rules)
            sentencepiece.SentencePieceTrainer.train(
                input=str(corpus), model_prefix=str(folder / name), hard_vocab_limit=False,
                character_coverage=1.0, minloglevel=2, **settings,
            )
            (folder / f"{name}.vocab").unlink()
            processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{name}.model"))
            ids = [processor.encode(text) for text in TEXTS]
            expected[name] = {"ids": ids, "decoded": [processor.decode(row) for row in ids]}
    (folder / "sentencepiece.json").write_text(json.dumps({"texts": TEXTS, "expected": expected}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

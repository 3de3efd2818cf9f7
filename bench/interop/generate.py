"""Judges `corpusmill generate` and `corpusmill eval` with transformers.

    PYTHON bench/interop/generate.py [--goldens FOLDER] [--backend auto|native|reference] [--only NAME]

Run it after `npm run build`; PYTHON is the interpreter that bench/peers/setup.sh prints. For models of the folder of goldens and
for random ones of other configurations (made here):
  1. greedy text of several prompts of different length, generated together here and one by one there: equal ids, and
     log-probabilities that differ by at most 1e-4;
  2. perplexity of a text, in one window and in windows with a stride, as transformers' documentation computes it: 1e-5 relative;
  3. log-likelihoods of choices behind prompts: 1e-3 absolute;
and on random logits, with ties, the processors of sampling against transformers' own: as many
kept, values within 1e-5.
Prints one JSON object; the exit code is 1 on any difference.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.generation import logits_process as processors

ROOT = Path(__file__).resolve().parents[2]
CLI = ["node", str(ROOT / "dist/src/cli/main.js")]
PROMPTS = ["a", "Once upon a time", "The quay was empty. " * 3, "ab" * 17, "to be or not to be, that is"]
TEXT = "It was a bright cold day in April, and the clocks were striking thirteen. " * 4
QUESTIONS = [
    {"prompt": "The quay was", "choices": ["empty", "a long, long way off", "é"], "answer": 0},
    {"prompt": "One, two,", "choices": ["three", "four"], "answer": "three"},
]
BASE = dict(
    vocab_size=300,
    hidden_size=64,
    intermediate_size=112,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=512,
    initializer_range=0.08,
    bos_token_id=None,
    eos_token_id=None,
    pad_token_id=None,
)
RANDOM = {
    "qwen2 with a sliding window": ("Qwen2", dict(use_sliding_window=True, sliding_window=9, max_window_layers=1)),
    "qwen3 with heads of 24": ("Qwen3", dict(head_dim=24)),
    "llama with llama3 scaling": (
        "Llama",
        dict(
            rope_parameters=dict(
                rope_type="llama3",
                rope_theta=10000.0,
                factor=4.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=32,
            )
        ),
    ),
    "llama with dynamic NTK": (
        "Llama",
        dict(max_position_embeddings=24, rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0)),
    ),
    "qwen2 with YaRN": (
        "Qwen2",
        dict(
            rope_parameters=dict(
                rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=32
            )
        ),
    ),
    "qwen2-moe of 8 experts": (
        "Qwen2Moe",
        dict(
            num_experts=8,
            num_experts_per_tok=3,
            moe_intermediate_size=40,
            shared_expert_intermediate_size=48,
            norm_topk_prob=True,
        ),
    ),
    "qwen3-moe": ("Qwen3Moe", dict(num_experts=6, num_experts_per_tok=2, moe_intermediate_size=40, head_dim=16)),
    "gpt2": ("GPT2", None),
}


def byte_alphabet():
    """The characters that stand for bytes in a byte-level vocabulary."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in kept]
    return {**{byte: chr(byte) for byte in kept}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


def write_tokenizer(folder, vocab_size):
    """A token for each byte, and added tokens for the rest of the model's vocabulary."""
    added = [
        dict(id=i, content=f"<t{i}>", special=False, single_word=False, lstrip=False, rstrip=False, normalized=False)
        for i in range(256, vocab_size)
    ]
    alphabet = byte_alphabet()
    json_text = dict(
        version="1.0",
        truncation=None,
        padding=None,
        added_tokens=added,
        normalizer=None,
        pre_tokenizer=dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True),
        post_processor=None,
        decoder=dict(type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True),
        model=dict(
            type="BPE",
            dropout=None,
            unk_token=None,
            continuing_subword_prefix=None,
            end_of_word_suffix=None,
            fuse_unk=False,
            byte_fallback=False,
            vocab={alphabet[byte]: byte for byte in range(256)},
            merges=[],
        ),
    )
    (folder / "tokenizer.json").write_text(json.dumps(json_text))


def make_models(folder):
    made = {}
    for name, (kind, changes) in RANDOM.items():
        torch.manual_seed(len(name))
        if kind == "GPT2":
            config = transformers.GPT2Config(
                vocab_size=300,
                n_embd=64,
                n_layer=3,
                n_head=4,
                n_positions=512,
                initializer_range=0.08,
                bos_token_id=None,
                eos_token_id=None,
            )
        else:
            config = getattr(transformers, f"{kind}Config")(**{**BASE, **changes})
        model = getattr(transformers, "GPT2LMHeadModel" if kind == "GPT2" else f"{kind}ForCausalLM")(config)
        # Norms and biases away from their trivial start, so that a forgotten one shows.
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.1)
        made[name] = folder / name.replace(" ", "-")
        model.save_pretrained(made[name])
        write_tokenizer(made[name], 300)
    return made


def corpusmill(*args):
    done = subprocess.run([*CLI, *args, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"corpusmill {' '.join(args)}: {done.stderr}")
    return json.loads(done.stdout)


def forget(model):
    """With dynamic NTK transformers keeps the base of the longest text so far until a short one comes."""
    with torch.no_grad():
        model(torch.tensor([[0]]))


def log_probs(model, ids):
    """ln p of each token after the first."""
    forget(model)
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    return logits.log_softmax(-1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0].double()


def judge_greedy(model, folder, tokenizer, options):
    args = [f"--prompt={prompt}" for prompt in PROMPTS]
    out = corpusmill("generate", str(folder), "--tokenizer", str(tokenizer), *args, "-n", "40", "--log-probs", *options)
    same, worst = True, 0.0
    for text in out["texts"]:
        ids = torch.tensor([text["promptIds"]])
        config = GenerationConfig(
            max_new_tokens=40, do_sample=False, return_dict_in_generate=True, output_logits=True, pad_token_id=0
        )
        forget(model)
        with torch.no_grad():
            made = model.generate(ids, generation_config=config, attention_mask=torch.ones_like(ids))
        new = made.sequences[0, ids.shape[1] :].tolist()
        scores = torch.stack(made.logits)[:, 0].log_softmax(-1)
        same = same and new == text["ids"]
        pairs = zip(text["ids"], text["logProbs"], scores)
        worst = max([worst, *(abs(value - row[token].item()) for token, value, row in pairs)])
    return dict(greedyIdentical=same, maxLogProbError=worst)


def judge_perplexity(model, folder, tokenizer, options, window, stride, scratch, start):
    path = scratch / "text.txt"
    path.write_text(TEXT)
    out = corpusmill(
        *("eval", str(folder), str(path), "--tokenizer", str(tokenizer)),
        *("--window", str(window), "--stride", str(stride), *options),
    )["results"][0]
    ids = [*start, *TEXT.encode()]
    total, end = 0.0, 1
    for begin in range(0, len(ids), stride):
        piece = ids[begin : begin + window]
        total -= log_probs(model, piece)[end - begin - 1 :].sum().item()
        end = begin + len(piece)
        if end == len(ids):
            break
    expected = math.exp(total / (len(ids) - 1))
    return abs(out["tokenPerplexity"] / expected - 1)


def judge_choices(model, folder, tokenizer, options, scratch):
    path = scratch / "questions.jsonl"
    path.write_text("".join(json.dumps(question) + "\n" for question in QUESTIONS))
    args = ["--tokenizer", str(tokenizer), "--window", "64", *options]
    out = corpusmill("eval", str(folder), str(path), *args)["results"][0]
    worst = 0.0
    for question, answer in zip(QUESTIONS, out["answers"]):
        for choice, value in zip(question["choices"], answer["logLikelihoods"]):
            context = question["prompt"].encode()
            ids = [*context, *f" {choice}".encode()]
            worst = max(worst, abs(log_probs(model, ids)[len(context) - 1 :].sum().item() - value))
    return worst


def judge_processors():
    """Random logits, some with ties, through transformers' processors in the order of `generate`."""
    generator = torch.Generator().manual_seed(1)
    cases, expected = [], []
    for i in range(200):
        vocab = [20, 500, 3000][i % 3]
        logits = torch.randn(1, vocab, generator=generator) * [1, 4, 10][i % 5 % 3]
        if i % 4 == 0:
            logits = (logits * 2).round() / 2
        draw = lambda low, high: low + (high - low) * torch.rand(1, generator=generator).item()
        options = {}
        if i % 2:
            options["repetitionPenalty"] = draw(0.7, 1.6)
        if i % 3:
            options["temperature"] = draw(0.3, 2)
        if i % 5 in (1, 2):
            options["topK"] = int(draw(1, vocab + 5))
        if i % 7 > 2:
            options["topP"] = draw(0.05, 0.999)
        if i % 11 > 6:
            options["minP"] = draw(0.001, 0.5)
        earlier = torch.randint(0, vocab, (1, 12), generator=generator)
        cases.append(dict(logits=logits[0].tolist(), options=options, earlier=earlier[0].tolist()))
        scores = logits.clone()
        for name, make in (
            ("repetitionPenalty", processors.RepetitionPenaltyLogitsProcessor),
            ("temperature", processors.TemperatureLogitsWarper),
            ("topK", processors.TopKLogitsWarper),
            ("topP", processors.TopPLogitsWarper),
            ("minP", processors.MinPLogitsWarper),
        ):
            if name in options:
                scores = make(options[name])(earlier, scores)
        expected.append(scores[0])
    run = subprocess.run(
        ["node", str(ROOT / "bench/interop/processors.mjs")], input=json.dumps(cases), capture_output=True, text=True
    )
    if run.returncode != 0:
        sys.exit(f"processors.mjs: {run.stderr}")
    differing, worst = 0, 0.0
    for found, scores in zip(json.loads(run.stdout), expected):
        # Of equal logits at top-p's border torch's sort, which is not stable, leaves any: values are compared, not ids.
        values = scores[torch.isfinite(scores)].sort().values.tolist()
        if len(found["values"]) != len(values):
            differing += 1
            continue
        worst = max([worst, *(abs(a - b) for a, b in zip(sorted(found["values"]), values))])
    return dict(cases=len(cases), differingSets=differing, maxError=worst)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--goldens", default=str(ROOT.parent / "shared/goldens"))
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--only")
    args = parser.parse_args()
    torch.set_num_threads(2)
    options = ["--backend", args.backend]
    results, failed = {}, []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        models = {path.parent.name: path.parent for path in sorted(Path(args.goldens).glob("*/config.json"))}
        models.update(make_models(scratch))
        for name, folder in models.items():
            if args.only and args.only not in name:
                continue
            model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
            config = model.config
            config.eos_token_id = model.generation_config.eos_token_id
            tokenizer = scratch / f"tokenizer {config.vocab_size}"
            tokenizer.mkdir(exist_ok=True)
            write_tokenizer(tokenizer, config.vocab_size)
            first = json.loads((folder / "config.json").read_text())
            eos = first.get("eos_token_id")
            start = first.get("bos_token_id")
            start = eos if start is None else start
            start = [] if start is None else [start[0] if isinstance(start, list) else start]
            result = judge_greedy(model, folder, tokenizer, options)
            windows = [(64, 16), (17, 5)] if config.max_position_embeddings > 64 else [(20, 5)]
            result["perplexityError"] = max(
                judge_perplexity(model, folder, tokenizer, options, window, stride, scratch, start)
                for window, stride in windows
            )
            result["choiceError"] = judge_choices(model, folder, tokenizer, options, scratch)
            limits = dict(maxLogProbError=1e-4, perplexityError=1e-5, choiceError=1e-3)
            bad = [key for key, limit in limits.items() if not result[key] <= limit]
            if bad or not result["greedyIdentical"]:
                failed.append(name)
            results[name] = result
            print(f"{name}: {result}", file=sys.stderr)
        sampling = judge_processors()
        if sampling["differingSets"] or sampling["maxError"] > 1e-5:
            failed.append("processors")
    print(json.dumps(dict(transformers=transformers.__version__, models=results, processors=sampling, failed=failed)))
    sys.exit(1 if failed else 0)


main()

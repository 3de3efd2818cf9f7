"""Whether transformers computes what it should from a checkpoint folder that corpusmill wrote.

    PYTHON bench/interop/checkpoint.py FOLDER REFERENCE.safetensors [FOLDER REFERENCE …] [--tolerance 2e-4]
    PYTHON bench/interop/checkpoint.py --make FOLDER

Loads each FOLDER with AutoModelForCausalLM in float32 (eager attention) and compares its logits with `logits` [rows, time, vocabulary] of the
reference for `input_ids` [rows, time]. transformers must report no missing, unexpected or mismatched tensor. Prints one JSON
object for each; the exit code is 1 when anything differs by more than the tolerance.

--make writes small random models of transformers' own into FOLDER/KIND, with their reference.safetensors, for kinds that
the golden folders do not have: gpt2, qwen3_moe, qwen2_moe_mixed, llama3, qwen2_sliding, qwen3_bias, linear.
PYTHON is the interpreter that bench/peers/setup.sh prints.
"""

import argparse
import json
import sys
from pathlib import Path

# A torchvision built for another torch breaks the import of transformers, and nothing here sees an image.
sys.modules["torchvision"] = None

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()

SIZES = dict(
    vocab_size=131,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=256,
    initializer_range=0.1,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
    tie_word_embeddings=False,
)
MOE = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32)
KINDS = {
    "gpt2": dict(
        model_type="gpt2", vocab_size=131, n_embd=64, n_layer=2, n_head=4, n_positions=128, initializer_range=0.1,
        bos_token_id=1, eos_token_id=2,
    ),
    "qwen3_moe": dict(model_type="qwen3_moe", **SIZES, **MOE, head_dim=24, norm_topk_prob=True),
    "qwen2_moe_mixed": dict(
        model_type="qwen2_moe", **SIZES, **MOE, shared_expert_intermediate_size=48, decoder_sparse_step=2,
        norm_topk_prob=True,
    ),
    "llama3": dict(
        model_type="llama", **SIZES,
        rope_parameters=dict(
            rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=32,
        ),
    ),
    "qwen2_sliding": dict(
        model_type="qwen2", **SIZES, use_sliding_window=True, sliding_window=16, max_window_layers=1
    ),
    "qwen3_bias": dict(model_type="qwen3", **SIZES, head_dim=24, attention_bias=True),
    "linear": dict(
        model_type="qwen2", **SIZES, rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0)
    ),
}


def make(kind: str, folder: Path) -> None:
    torch.manual_seed(7)
    settings = dict(KINDS[kind])
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        # Norms and biases away from their trivial start, so that a forgotten one shows.
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    ids = torch.randint(3, config.vocab_size, (2, 64))
    with torch.no_grad():
        logits = model(ids).logits
    model.save_pretrained(folder)
    save_file({"input_ids": ids, "logits": logits.contiguous()}, folder / "reference.safetensors")


def judge(folder: Path, reference_path: Path, tolerance: float) -> bool:
    reference = load_file(reference_path)
    model, loading = AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32, output_loading_info=True
    )
    problems = {key: sorted(map(str, value)) for key, value in loading.items() if value}
    with torch.no_grad():
        logits = model.eval()(reference["input_ids"]).logits
    error = (logits.double() - reference["logits"].double()).abs().max().item()
    ok = error <= tolerance and not problems
    result = {
        "folder": folder.name,
        "class": type(model).__name__,
        "maxLogitError": error,
        "tolerance": tolerance,
        "problems": problems,
        "ok": ok,
    }
    print(json.dumps(result), flush=True)
    return ok


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", type=Path, nargs="*")
    parser.add_argument("--tolerance", type=float, default=2e-4)
    parser.add_argument("--make", type=Path)
    arguments = parser.parse_args()
    if arguments.make:
        for kind in KINDS:
            make(kind, arguments.make / kind)
        return 0
    pairs = list(zip(arguments.paths[::2], arguments.paths[1::2], strict=True))
    return 0 if all([judge(folder, reference, arguments.tolerance) for folder, reference in pairs]) else 1


if __name__ == "__main__":
    sys.exit(main())

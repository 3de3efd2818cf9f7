"""Makes folders with reference values of PyTorch and transformers, in the form of shared/goldens, for configurations that are
not there: `python golden_models.py OUT` prints one JSON line with the names of the folders.

Weights are random, norms and biases moved away from their start. Loss is the mean over the labels that count; AdamW decays
matrices alone (0.1), gradients are clipped to norm 1, twelve steps.
"""
import json
import math
import sys
from pathlib import Path

sys.modules["torchvision"] = None  # an old one beside a new torch keeps transformers from loading

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

torch.set_num_threads(2)
VOCAB = 503
BASE = dict(
    vocab_size=VOCAB, hidden_size=64, intermediate_size=152, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, initializer_range=0.08, tie_word_embeddings=False,
    attention_dropout=0.0, rms_norm_eps=1e-6, bos_token_id=None, eos_token_id=None, pad_token_id=None, use_cache=False,
)
MOE = dict(num_experts=6, num_experts_per_tok=3, moe_intermediate_size=24, router_aux_loss_coef=0.01, output_router_logits=True)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
MODELS = {
    "qwen2-one-kv-head": ("qwen2", dict(num_key_value_heads=1, intermediate_size=77)),
    "qwen2-window": ("qwen2", dict(use_sliding_window=True, sliding_window=11, max_window_layers=1)),
    "qwen3-wide-heads": ("qwen3", dict(head_dim=40, tie_word_embeddings=True)),
    "qwen3-moe": ("qwen3_moe", dict(**MOE, norm_topk_prob=True, head_dim=16)),
    "qwen2-moe-sparse-step": ("qwen2_moe", dict(**MOE, norm_topk_prob=True, shared_expert_intermediate_size=40, decoder_sparse_step=2)),
    "llama3-rope": ("llama", dict(rope_parameters=LLAMA3)),
    "gpt2": ("gpt2", None),
}
GPT2 = dict(vocab_size=VOCAB, n_embd=64, n_layer=3, n_head=4, n_positions=128, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0, initializer_range=0.08, bos_token_id=None, eos_token_id=None, use_cache=False)


def make(name, kind, options, out):
    torch.manual_seed(sum(map(ord, name)))
    config = AutoConfig.for_model(kind, **(GPT2 if options is None else {**BASE, **options}))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).train()
    moe = "moe" in kind
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    folder = out / name
    model.save_pretrained(folder)
    tensors = {}
    ids = torch.randint(0, VOCAB, (4, 96))
    labels = ids.clone()
    labels[torch.rand(4, 96) < 0.2] = -100

    def loss_of(ids, labels):
        result = model(input_ids=ids, labels=labels) if not moe else model(input_ids=ids, labels=labels, output_router_logits=True)
        return result.loss, result.logits

    loss, logits = loss_of(ids, labels)
    loss.backward()
    for key, parameter in model.named_parameters():
        name, value = canonical(key, kind), gradient(parameter.grad, key, kind)
        parts = value.chunk(3) if "qkv_proj" in name else [value]
        for part, letter in zip(parts, "qkv"):
            tensors["grad." + name.replace("qkv_proj", letter + "_proj")] = part.contiguous().clone()
    norm = math.sqrt(sum(float((p.grad.double() ** 2).sum()) for p in model.parameters()))
    tensors.update(input_ids=ids, labels=labels, logits=logits.detach().contiguous())
    packed = torch.randint(0, VOCAB, (96,))
    with torch.no_grad():
        parts = [model(input_ids=packed[None, a:b]).logits[0] for a, b in ((0, 40), (40, 96))]
    tensors.update(packed_input_ids=packed, packed_logits=torch.cat(parts).contiguous())
    batches = torch.randint(0, VOCAB, (12, 4, 64))
    tensors["train_batches"] = batches
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    groups = [dict(params=decay, weight_decay=0.1), dict(params=rest, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=3e-3, betas=(0.9, 0.95), eps=1e-8)
    losses, norms = [], []
    for batch in batches:
        optimizer.zero_grad()
        step_loss, _ = loss_of(batch, batch)
        step_loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)))
        losses.append(float(step_loss))
        optimizer.step()
    text = ids[0, :16].tolist()
    with torch.no_grad():
        while len(text) < 40:
            text.append(int(model(input_ids=torch.tensor([text])).logits[0, -1].argmax()))
    save_file(tensors, folder / "reference.safetensors")
    reference = dict(transformers=transformers.__version__, torch=torch.__version__, loss=float(loss), grad_norm=norm,
                     train_losses=losses, train_grad_norms=norms, greedy_after_training=text)
    (folder / "reference.json").write_text(json.dumps(reference))


GPT2_NAMES = {
    "transformer.wte.weight": "model.embed_tokens.weight", "transformer.wpe.weight": "model.embed_positions.weight",
    "transformer.ln_f": "model.norm", "transformer.h": "model.layers", ".ln_1": ".input_layernorm",
    ".ln_2": ".post_attention_layernorm", ".attn.c_proj": ".self_attn.o_proj", ".mlp.c_fc": ".mlp.up_proj",
    ".mlp.c_proj": ".mlp.down_proj", ".attn.c_attn": ".self_attn.qkv_proj",
}


def canonical(key, kind):
    if kind == "gpt2":
        for old, new in GPT2_NAMES.items():
            key = key.replace(old, new)
    return key


def gradient(value, key, kind):
    # GPT-2's linear layers hold [in, out].
    transposed = kind == "gpt2" and value.dim() == 2 and (".attn." in key or ".mlp." in key)
    return (value.T if transposed else value).contiguous().clone()


out = Path(sys.argv[1])
made = []
for name, (kind, options) in MODELS.items():
    make(name, kind, options, out)
    made.append(name)
print(json.dumps(made))

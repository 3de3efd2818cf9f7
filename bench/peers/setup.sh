#!/usr/bin/env bash
# Sets up the Python peers that benches and interop checks run beside corpusmill, in a virtual environment outside the
# repository: $CORPUSMILL_PEERS, by default ~/.cache/corpusmill/peers. Prints the environment's python when done.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${CORPUSMILL_PEERS:-$HOME/.cache/corpusmill/peers}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
while read -r requirement; do
  case "$requirement" in ''|'#'*) continue ;; esac
  "$venv/bin/python" -m pip install --quiet "$requirement" || echo "peer not available here: $requirement" >&2
done < "$here/requirements.txt"
# NeMo Curator's package wants GPUs; bench/peers/nemo.py loads its filters from a checkout, at the commit the figures name.
nemo=${CORPUSMILL_NEMO:-$HOME/.cache/corpusmill/src/NeMo-Curator}
if [ ! -d "$nemo/nemo_curator" ]; then
  { git init --quiet "$nemo" &&
    git -C "$nemo" fetch --quiet --depth 1 https://github.com/NVIDIA-NeMo/Curator 1e2e4275eb6cf79fafaebc5b35c253a146417113 &&
    git -C "$nemo" checkout --quiet FETCH_HEAD; } || echo "peer not available here: NeMo Curator" >&2
fi
# What bench/interop/exports.py opens exports with, from checkouts: megatron-core wants GPUs, mosaicml-streaming older packages.
megatron=${CORPUSMILL_MEGATRON:-$HOME/.cache/corpusmill/src/Megatron-LM}
if [ ! -d "$megatron/megatron" ]; then
  { git init --quiet "$megatron" &&
    git -C "$megatron" fetch --quiet --depth 1 https://github.com/NVIDIA/Megatron-LM d98e8a64ddf34856e74b24714e3bedb2f5a39553 &&
    git -C "$megatron" checkout --quiet FETCH_HEAD; } || echo "peer not available here: Megatron-LM" >&2
fi
streaming=${CORPUSMILL_STREAMING:-$HOME/.cache/corpusmill/src/streaming}
if [ ! -d "$streaming/streaming" ]; then
  { git init --quiet "$streaming" &&
    git -C "$streaming" fetch --quiet --depth 1 https://github.com/mosaicml/streaming 89e7bb9082457a59f6efcfa4ef910102e07a9729 &&
    git -C "$streaming" checkout --quiet FETCH_HEAD; } || echo "peer not available here: mosaicml-streaming" >&2
fi
# KenLM for the bench ngram-lm: needs cmake, a C++ compiler and Boost (program_options, system, thread, unit_test_framework).
kenlm=${CORPUSMILL_KENLM_SOURCE:-$HOME/.cache/corpusmill/src/kenlm}
if [ ! -x "$kenlm/build/bin/lmplz" ]; then
  { git init --quiet "$kenlm" &&
    git -C "$kenlm" fetch --quiet --depth 1 https://github.com/kpu/kenlm 4cb443e60b7bf2c0ddf3c745378f76cb59e254e5 &&
    git -C "$kenlm" checkout --quiet FETCH_HEAD &&
    cmake -S "$kenlm" -B "$kenlm/build" -DCMAKE_BUILD_TYPE=Release > /dev/null &&
    cmake --build "$kenlm/build" --target lmplz query build_binary > /dev/null; } || echo "peer not available here: KenLM" >&2
fi
echo "$venv/bin/python"

#!/usr/bin/env bash
# Everything that an hour with a GPU is for, in one call of under ten minutes:
#
#   bench/gpu.sh OUT          doctor, tests of every kernel on the card, webgpu-parity, webgpu-speed beside PyTorch
#   bench/gpu.sh --pack FILE  makes FILE (.tar.xz), with all that the call needs on a Linux machine of this architecture
#                             that reaches no registry: Node, the built program, its packages, the add-on, goldens, Vulkan's loader
#
# OUT gets results.json (every figure), table.txt (to be read) and a log of each step. A step that fails or takes too long is
# written down, and the next one is made. CORPUSMILL_BENCH_MODELS and _SECONDS are those of the benches.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1

pack() {
  local file=$1 stage
  stage=$(mktemp -d)
  trap 'rm -rf "$stage"' EXIT
  npm run --silent build || exit 1
  mkdir -p "$stage/.node/bin" "$stage/node_modules" "$stage/build/Release" "$stage/.debs"
  cp "$(command -v node)" "$stage/.node/bin/node"
  strip "$stage/.node/bin/node" 2>/dev/null
  cp -r package.json dist configs "$stage/"
  mkdir -p "$stage/bench" && cp -r bench/gpu.sh bench/peers "$stage/bench/"
  cp build/Release/*.node "$stage/build/Release/" 2>/dev/null
  # What users get, found from package.json on; of webgpu the binary of this platform alone.
  node - "$root" "$stage" <<'JS'
const { cpSync, existsSync, readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const [root, stage] = process.argv.slice(2);
const done = new Set();
const take = (name, from) => {
  let folder = from;
  while (!existsSync(join(folder, 'node_modules', name)) && folder !== dirname(folder)) folder = dirname(folder);
  const path = join(folder, 'node_modules', name);
  if (!existsSync(path) || done.has(path)) return;
  done.add(path);
  // Packages within a package come with it.
  if (folder === root) cpSync(path, join(stage, 'node_modules', name), { recursive: true, dereference: true });
  needs(path).forEach((need) => take(need, path));
};
const needs = (folder) => {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.keys({ ...dependencies, ...optionalDependencies });
};
needs(root).forEach((need) => take(need, root));
JS
  find "$stage/node_modules/webgpu/dist" -mindepth 1 -maxdepth 1 ! -name "$(node -p 'process.platform + "-" + process.arch')" -exec rm -rf {} +
  local goldens=${CORPUSMILL_SHARED:-$root/../shared}/goldens
  if [ -d "$goldens" ]; then mkdir -p "$stage/shared" && cp -r "$goldens" "$stage/shared/goldens"; fi
  (cd "$stage/.debs" && apt-get download libvulkan1 libegl1 libglvnd0 libgl1 libglx0 libopengl0 libgles2 >/dev/null 2>&1)
  XZ_OPT='-T0 -4' tar -C "$stage" -cJf "$file" . && ls -l "$file"
}

if [ "${1:-}" = --pack ]; then
  pack "${2:?usage: bench/gpu.sh --pack FILE}"
  exit
fi
out=${1:?usage: bench/gpu.sh OUT}
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
[ -x .node/bin/node ] && PATH=$root/.node/bin:$PATH
command -v node >/dev/null || { echo 'gpu.sh: Node 20.19 or newer is not on the PATH' >&2; exit 1; }

# step NAME SECONDS COMMAND…: its output to OUT/NAME.log, what became of it to OUT/steps.txt.
: >"$out/steps.txt"
step() {
  local name=$1 limit=$2 start=$SECONDS status
  shift 2
  timeout -k 5 "$limit" "$@" >"$out/$name.log" 2>&1
  status=$?
  echo "$name: exit code $status after $((SECONDS - start)) s" | tee -a "$out/steps.txt"
  return $status
}

# Vulkan: the loader from the system, from packages that came along, or from the package manager; the driver's manifest
# also from where containers have it mounted.
loader() { ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; }
if ! loader; then
  for deb in .debs/*.deb; do [ -e "$deb" ] && dpkg -x "$deb" /; done 2>/dev/null
  ldconfig 2>/dev/null
  loader || step loader 60 apt-get install -y -qq libvulkan1
fi
stray=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && [ -e "$stray" ] &&
  ! ls /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json 2>/dev/null | grep -q nvidia; then
  export VK_DRIVER_FILES=$stray
fi

# PyTorch, wherever it is: the benches look for CORPUSMILL_PEERS/bin/python.
if [ -z "${CORPUSMILL_PEERS:-}" ] && [ ! -x "$HOME/.cache/corpusmill/peers/bin/python" ]; then
  for python in python3 /opt/venv/bin/python /opt/conda/bin/python; do
    "$python" -c 'import torch' 2>/dev/null || continue
    mkdir -p "$out/peers/bin"
    printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v "$python")" >"$out/peers/bin/python"
    chmod +x "$out/peers/bin/python"
    export CORPUSMILL_PEERS=$out/peers
    break
  done
fi

if [ ! -d node_modules/webgpu ]; then step install 120 npm ci --prefer-offline --no-audit --no-fund; fi
if [ ! -d build ]; then step native 120 npm run --silent build:native; fi
if [ ! -e dist/bench/run.js ]; then step build 90 npm run --silent build; fi
[ -d shared/goldens ] && export CORPUSMILL_SHARED=$root/shared

nvidia-smi >"$out/nvidia-smi.txt" 2>&1
step doctor 60 node dist/src/cli/main.js doctor
node dist/src/cli/main.js doctor --json >"$out/doctor.json" 2>/dev/null
if [ -d node_modules/vitest ] && [ -d tests ]; then
  CORPUSMILL_TEST_GPU=1 step kernels 150 npx vitest run tests/tensor/webgpu
fi
CORPUSMILL_BENCH_STEPS=${CORPUSMILL_BENCH_STEPS:-500} step parity 150 node dist/bench/run.js webgpu-parity --json
step speed 270 node dist/bench/run.js webgpu-speed --json

node - "$out" <<'JS'
const { readFileSync, writeFileSync, existsSync } = require('node:fs');
const { join } = require('node:path');
const out = process.argv[2];
const read = (name) => (existsSync(join(out, name)) ? readFileSync(join(out, name), 'utf8') : '');
const results = { steps: read('steps.txt').trim().split('\n') };
try {
  results.doctor = JSON.parse(read('doctor.json'));
} catch {}
const tables = [`${read('nvidia-smi.txt').trim()}\n\n${read('doctor.log').trim()}`];
for (const name of ['parity', 'speed']) {
  const lines = read(`${name}.log`).trim().split('\n');
  try {
    results[name] = JSON.parse(lines.at(-1));
    lines.pop();
  } catch {}
  tables.push(lines.join('\n').trim());
}
tables.push(read('steps.txt').trim());
writeFileSync(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(join(out, 'table.txt'), `${tables.join('\n\n')}\n`);
console.log(tables.join('\n\n'));
JS

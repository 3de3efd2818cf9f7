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
echo "$venv/bin/python"

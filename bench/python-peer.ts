/** Runs a peer's Python script of bench/peers on texts, in the environment that bench/peers/setup.sh makes. */
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/core/native.ts';

/** Lines of the script's output, or a sentence on why there are none. The script gets a JSON string a line. */
export function runPythonPeer(script: string, args: readonly string[], texts: readonly string[]): string[] | string {
  const environment = process.env['CORPUSMILL_PEERS'] ?? join(homedir(), '.cache', 'corpusmill', 'peers');
  const { status, stdout, stderr, error } = spawnSync(
    join(environment, 'bin', 'python'),
    [join(packageRoot(), 'bench', 'peers', script), ...args],
    { input: texts.map((text) => JSON.stringify(text)).join('\n'), encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (error === undefined && status === 0) return stdout.trimEnd().split('\n');
  const cause = error?.message ?? stderr.trim().split('\n').at(-1);
  return `${script} did not run (${cause}); bench/peers/setup.sh sets its environment up`;
}

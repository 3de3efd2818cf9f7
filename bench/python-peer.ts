/** Runs a peer's Python script of bench/peers, in the environment that bench/peers/setup.sh makes. */
import { spawn, spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../src/core/package-root.ts';

/** Lines of the script's output, or a sentence on why there are none. The script gets a JSON string a line. */
export function runPythonPeer(script: string, args: readonly string[], texts: readonly string[]): string[] | string {
  const { status, stdout, stderr, error } = spawnSync(
    pythonOfPeers(),
    [join(packageRoot(), 'bench', 'peers', script), ...args],
    { input: texts.map((text) => JSON.stringify(text)).join('\n'), encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (error === undefined && status === 0) return stdout.trimEnd().split('\n');
  const cause = error?.message ?? stderr.trim().split('\n').at(-1);
  return `${script} did not run (${cause}); bench/peers/setup.sh sets its environment up`;
}

/** A script that stays: it gets one JSON value a line and answers each with one. */
export interface PythonPeer {
  /** The answer, or {error} when there is none. */
  ask(request: unknown): Promise<unknown>;
  close(): void;
}

/** Starts a script of bench/peers that answers line by line. */
export function openPythonPeer(script: string, environment: Record<string, string> = {}): PythonPeer {
  const child = spawn(pythonOfPeers(), [join(packageRoot(), 'bench', 'peers', script)], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const setup = 'bench/peers/setup.sh sets its environment up';
  let ended: string | undefined;
  let answer: ((value: unknown) => void) | undefined;
  const end = (cause: string): void => {
    ended ??= `${script} did not run (${cause}); ${setup}`;
    answer?.({ error: ended });
  };
  child.on('error', (error) => end(error.message));
  child.on('exit', (status) => end(`exit code ${status}`));
  child.stdin.on('error', () => end('it takes no more input'));
  createInterface({ input: child.stdout }).on('line', (line) => answer?.(JSON.parse(line)));
  return {
    ask(request) {
      if (ended !== undefined) return Promise.resolve({ error: ended });
      return new Promise((resolve) => {
        answer = resolve;
        child.stdin.write(`${JSON.stringify(request)}\n`);
      });
    },
    close: () => child.kill(),
  };
}

/** The interpreter of the peers' environment: CORPUSMILL_PEERS, or the place where setup.sh makes it. */
export function pythonOfPeers(): string {
  const environment = process.env['CORPUSMILL_PEERS'] ?? join(homedir(), '.cache', 'corpusmill', 'peers');
  return join(environment, 'bin', 'python');
}

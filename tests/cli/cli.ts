/** Runs the command line in this process, with streams that are kept and an environment that is empty. */
import { EventEmitter } from 'node:events';
import type { CliContext } from '../../src/cli/context.ts';
import { main } from '../../src/cli/main.ts';
import { fakeRegistry } from '../pipeline/config/fake-stages.ts';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function keptStream(): { stream: CliContext['stdout']; text(): string } {
  let text = '';
  const stream = {
    write(chunk: string) {
      text += chunk;
      return true;
    },
    once: () => stream,
    columns: 100,
  };
  return { stream, text: () => text };
}

export async function cli(args: readonly string[], given: Partial<CliContext> = {}): Promise<Outcome> {
  const stdout = keptStream();
  const stderr = keptStream();
  const code = await main(args, {
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: {},
    cwd: '/nowhere',
    signals: new EventEmitter(),
    exit: () => {},
    registry: fakeRegistry,
    ...given,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** `corpusmill shards verify`: a folder of shards against its manifest. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { formatBytes, formatCounted } from '../report/numbers.ts';
import type { ShardProblem, ShardVerification } from '../shards/verify.ts';
import type { CliContext, ExitCode } from './context.ts';
import { colorsFor, columns, print, printJson, widthOf } from './print.ts';

const NOTES = `
Checks that every shard and table of pieces is there with the size and SHA-256 of the manifest, that lengths, padding,
token ids and labels of every row agree, that the table says of each row what the shard says, that totals add up, that no
other shard lies there, and of a split that no document is on both sides.

Exit codes: 0 all is well, 4 something is wrong, 3 there is no manifest.`;

export function shardsVerifyCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('verify')
    .description('check every file of a shard folder against its manifest')
    .argument('<dir>', 'a folder that the shards stage wrote, or a copy of it')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', NOTES)
    .action(async (dir: string, flags: { json?: boolean }) => {
      const { verifyShards } = await import('../shards/verify.ts');
      const result = await verifyShards(resolve(context.cwd, dir));
      if (flags.json === true) await printJson(context, { path: dir, ...result });
      else await print(context.stdout, `${verdict(dir, result, context)}\n`);
      setExitCode(result.ok ? EXIT.ok : EXIT.check);
    });
}

function verdict(dir: string, { ok, shards, rows, tokens, bytes, problems }: ShardVerification, context: CliContext) {
  const colors = colorsFor(context.stdout, context.env);
  const what = [
    formatCounted(shards, 'shard'),
    formatCounted(rows, 'row'),
    formatCounted(tokens, 'token'),
    formatBytes(bytes),
  ].join(', ');
  if (ok) return `${colors.green('ok')}  ${dir}: ${what}`;
  const lines = problems.map(({ file, check, expected, found }: ShardProblem) => [
    file,
    check,
    `expected ${expected}, found ${found}`,
  ]);
  const count = formatCounted(problems.length, 'problem');
  return `${colors.red(count)}  ${dir}: ${what}\n${columns(lines, widthOf(context.stdout))}`;
}

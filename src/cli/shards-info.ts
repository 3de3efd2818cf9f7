/** `corpusmill shards info`: what a shard folder holds, from its manifest alone. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { formatBytes, formatCount, formatCounted } from '../report/numbers.ts';
import type { ShardManifest } from '../shards/manifest.ts';
import type { CliContext, ExitCode } from './context.ts';
import { type Colors, colorsFor, columns, print, printJson, widthOf } from './print.ts';

/** Sources that are listed by name; the rest is one line. */
const MOST_SOURCES = 20;

export function shardsInfoCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('info')
    .description('what a shard folder holds: rows, tokens, padding, sources, sides of a split')
    .argument('<dir>', 'a folder that the shards stage wrote')
    .option('--json', 'print the manifests as one JSON object on standard output')
    .action(async (dir: string, flags: { json?: boolean }) => {
      const { readManifest } = await import('../shards/manifest.ts');
      const { shardFolders } = await import('../shards/shard-set.ts');
      const sets = [];
      for (const { folder, name } of await shardFolders(resolve(context.cwd, dir))) {
        sets.push({ name: name === '' ? dir : `${dir}/${name}`, manifest: (await readManifest(folder)).manifest });
      }
      if (flags.json === true) await printJson(context, { path: dir, sets });
      else {
        const colors = colorsFor(context.stdout, context.env);
        const width = widthOf(context.stdout);
        for (const { name, manifest } of sets) {
          await print(context.stdout, `${colors.bold(name)}\n${described(manifest, colors, width)}\n`);
        }
      }
      setExitCode(EXIT.ok);
    });
}

function described(manifest: ShardManifest, colors: Colors, width: number): string {
  const { rows, tokens, documents, documentsEmpty, padding, cut, packing, split, shards } = manifest;
  const percent = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`;
  const ofShards = shards.reduce((sum, { bytes }) => sum + bytes, 0);
  const ofTables = shards.reduce((sum, { pieces }) => sum + (pieces?.bytes ?? 0), 0);
  const special = Object.entries({ bos: manifest.bos, eos: manifest.eos, pad: manifest.pad })
    .map(([name, token]) => `${name} ${token === null ? 'none' : `${token.token} (${token.id})`}`)
    .join(', ');
  const lines = [
    ['rows', `${formatCount(rows)} of ${formatCount(manifest.contextLength)} ${manifest.dtype}`],
    ['tokens', `${formatCount(tokens)}, padding ${formatCount(padding.tokens)} (${padding.percent} %)`],
    [
      'documents',
      `${formatCount(documents)}${documentsEmpty > 0 ? `, ${formatCount(documentsEmpty)} without a token` : ''}`,
    ],
    [
      'cut',
      `${formatCount(cut.documents)} (${percent(cut.documents, documents)}), avoidably ${formatCount(cut.avoidably)}`,
    ],
    [
      'packing',
      `${packing.strategy}, ${formatCounted(packing.windows, 'window')}, ${packing.shuffled ? `shuffled with seed ${manifest.seed}` : 'not shuffled'}`,
    ],
    [
      'files',
      `${formatCounted(shards.length, 'shard')} of ${formatBytes(ofShards)}, tables of pieces ${formatBytes(ofTables)}`,
    ],
    ['special', special],
    [
      'tokenizer',
      `${formatCount(manifest.tokenizer.vocabSize)} ids, sha256 ${manifest.tokenizer.sha256.slice(0, 16)}…`,
    ],
  ];
  if (split !== null) {
    const leftOut = split.name === 'train' ? `, ${formatCount(split.leftOut)} left out for their id` : '';
    lines.push([
      'split',
      `${split.name}; texts that hash below ${Number(split.below.toPrecision(6))} are held out${leftOut}`,
    ]);
  }
  if (manifest.fillInTheMiddle !== null) {
    const { rate, spmRate, documents: rearranged } = manifest.fillInTheMiddle;
    lines.push(['middle', `rate ${rate}, suffix first ${spmRate}: ${formatCount(rearranged)} documents rearranged`]);
  }
  if (manifest.conversations !== null) {
    const { truncated, dropped } = manifest.conversations;
    lines.push(['labels', `conversations: ${formatCount(truncated)} cut to a row, ${formatCount(dropped)} left out`]);
  }
  const bySize = [...manifest.sources].sort((a, b) => b.tokens - a.tokens);
  bySize.slice(0, MOST_SOURCES).forEach(({ name, documents: own, tokens: ownTokens }, i) => {
    const share = `${formatCount(ownTokens)} tokens (${percent(ownTokens, tokens)}) of ${formatCounted(own, 'document')}`;
    lines.push([i === 0 ? 'sources' : '', `${name === '' ? '(none)' : name}: ${share}`]);
  });
  if (bySize.length > MOST_SOURCES) lines.push(['', `and ${formatCount(bySize.length - MOST_SOURCES)} more`]);
  return columns(lines, width, (cell, column) => (column === 0 ? colors.dim(cell) : cell));
}

/** `corpusmill export`: shards in the formats of other trainers. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../core/errors.ts';
import { formatBytes, formatCounted } from '../report/numbers.ts';
import type { ExportOptions, ExportResult } from '../shards/export/export.ts';
import type { CliContext, ExitCode } from './context.ts';
import { wholeNumber } from './flags.ts';
import { colorsFor, columns, print, printJson, shellPath, widthOf } from './print.ts';

const FORMATS = `
Formats:
  megatron  tokens.bin, tokens.idx: a sequence a document (--data-path OUT/tokens)
  mds       MosaicML StreamingDataset: a sample a packed row, with seq_lengths, padding and labels
  nanogpt   train.bin, val.bin, meta.pkl: uint16, for vocabularies of at most 65,536
  npy       OLMo-core, dolma: part-00000.npy with raw tokens, part-00000.csv.gz with the documents' borders

Documents that packing has cut are joined again; a folder with train and validation gives both sides. OUT gets a copy of
the tokenizer, and export.json with what was written.

Examples:
  $ corpusmill export runs/web/output/shards --to megatron --out megatron/
  $ corpusmill export runs/web/output/shards --to mds --out mds/ --zstd 7 --size-limit 128MiB
  $ corpusmill export runs/web/output/shards --to nanogpt --out nanoGPT/data/web`;

interface Flags {
  to: ExportOptions['to'];
  out: string;
  force?: boolean;
  cut: 'join' | 'apart';
  sizeLimit?: number;
  zstd?: number;
  hashes?: string;
  validationShare?: number;
  eot?: number;
  json?: boolean;
}

export function exportCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('export')
    .description('write shards for Megatron, MosaicML streaming, nanoGPT or OLMo')
    .argument('<shards>', 'a folder that the shards stage wrote')
    .addOption(
      new Option('--to <format>', 'format').choices(['megatron', 'mds', 'nanogpt', 'npy']).makeOptionMandatory(),
    )
    .requiredOption('-o, --out <dir>', 'folder for the files')
    .option('--force', 'replace an earlier export there')
    .addOption(
      new Option('--cut <policy>', 'documents in several pieces: join them, or export each piece as a document')
        .choices(['join', 'apart'])
        .default('join'),
    )
    .option(
      '--size-limit <bytes>',
      'mds, npy: largest file, such as 128MiB; default 64MiB for mds, 4GiB for npy',
      byteSize,
    )
    .option('--zstd <level>', 'mds: compress the shards, level 1 … 22', wholeNumber(1))
    .option('--hashes <names>', 'mds: hashes in index.json: md5, sha1, sha256, xxh64, comma between; default sha1')
    .option(
      '--validation-share <share>',
      'nanogpt, without a split: share of documents in val.bin; default .0005',
      share,
    )
    .option('--eot <id>', 'nanogpt: id that ends documents; default: the eos token of the shards', wholeNumber(0))
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', FORMATS)
    .action(async (path: string, flags: Flags) => {
      await runExport(path, flags, context);
      setExitCode(EXIT.ok);
    });
}

async function runExport(path: string, flags: Flags, context: CliContext): Promise<void> {
  const { exportShards } = await import('../shards/export/export.ts');
  const { to, force, cut, sizeLimit, zstd, hashes, validationShare, eot } = flags;
  const controller = new AbortController();
  const onSignal = (): void => (controller.signal.aborted ? context.exit(EXIT.interrupted) : controller.abort());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.on(signal, onSignal);
  try {
    const result = await exportShards(resolve(context.cwd, path), {
      to,
      cut,
      out: resolve(context.cwd, flags.out),
      force: force === true,
      signal: controller.signal,
      ...(sizeLimit !== undefined && { sizeLimit }),
      ...(zstd !== undefined && { zstdLevel: zstd }),
      ...(hashes !== undefined && { hashes: hashes.split(',') as NonNullable<ExportOptions['hashes']> }),
      ...(validationShare !== undefined && { validationShare }),
      ...(eot !== undefined && { eot }),
      ...(context.stderr.isTTY === true && { onProgress: progressLine(context) }),
    });
    if (flags.json === true) await printJson(context, result);
    else await printResult(result, flags.out, context);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.off(signal, onSignal);
  }
}

/** Rewrites one line of standard error, a hundred times in all, and clears it at the end. */
function progressLine({ stderr }: CliContext): NonNullable<ExportOptions['onProgress']> {
  let shown = -1;
  return ({ rows, of }) => {
    const percent = Math.floor((100 * rows) / of);
    if (percent === shown) return;
    shown = percent;
    stderr.write(rows === of ? '\r\u001b[K' : `\rexporting: ${percent} % of ${formatCounted(of, 'row')}`);
  };
}

async function printResult(result: ExportResult, out: string, context: CliContext): Promise<void> {
  const colors = colorsFor(context.stdout, context.env);
  const bytes = result.files.reduce((sum, file) => sum + file.bytes, 0);
  const rows = result.sets.map(({ name, documents, tokens }) => [
    name,
    `${formatCounted(documents, 'document')}, ${formatCounted(tokens, 'token')} (${result.dtype})`,
  ]);
  const files = formatCounted(result.files.length, 'file');
  await print(
    context.stdout,
    `${columns(rows, widthOf(context.stdout))}\n${result.to} in ${shellPath(out)}: ${files}, ${formatBytes(bytes)}\n`,
  );
  for (const note of result.notes) await print(context.stdout, `${colors.yellow('note:')} ${note}\n`);
}

/** A number of bytes with or without a unit: `67108864`, `64MiB`, `2GB`. */
function byteSize(value: string): number {
  const units: Record<string, number> = { '': 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([kmg]i?b)?$/i.exec(value) ?? [];
  if (number === undefined) throw new InvalidArgumentError('expected bytes, such as 64MiB');
  return Math.floor(Number(number) * units[(unit ?? '').toLowerCase()]);
}

/** `0.01` or `1%`. */
function share(value: string): number {
  const number = value.endsWith('%') ? Number(value.slice(0, -1)) / 100 : Number(value);
  if (!(number >= 0 && number < 1)) throw new InvalidArgumentError('expected a share such as 0.01 or 1%');
  return number;
}

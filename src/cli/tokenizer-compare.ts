/** `corpusmill tokenizer compare`: tokenizers side by side on the texts of files. */

import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Document } from '../core/document.ts';
import { CorpusmillError, EXIT } from '../core/errors.ts';
import { fieldValue } from '../core/meta-field.ts';
import { INPUT_FORMATS, type InputFormat, type InputSpec } from '../io/input.ts';
import { TOKENIZER_REPORT_FORMATS, type TokenizerReportFormat } from '../report/tokenizers/formats.ts';
import type { CliContext, ExitCode } from './context.ts';
import { collect, wholeNumber } from './flags.ts';
import { colorsFor, plural, print, printJson, shellPath, wantsColor, widthOf } from './print.ts';
import { loadTokenizerFile, namedTokenizers } from './tokenizer-file.ts';

const EXAMPLES = `
A tokenizer is a tokenizer.json, .tiktoken or SentencePiece .model file, or a folder that has one; NAME=PATH gives it a
name for the report. Figures are of all texts, of each language and of each source: bytes and characters per token,
tokens as a multiple of the first one's (--base: of another's), tokens per word, words kept whole, tokens that are no
text of their own, what of the vocabulary is used.

A document's language is the field that --language-field names; --identify-languages asks the bundled model instead. Its
source is the file it came from, or the field that --source-field names.

Examples:
  $ corpusmill tokenizer compare qwen/tokenizer.json mine/ --on data/*.jsonl.zst --language-field lang
  $ corpusmill tokenizer compare old=v1/tokenizer.json new=v2/tokenizer.json --on crawl.parquet --limit 10000
  $ corpusmill tokenizer compare a.json b.json --on book.txt --format json --out report`;

interface Flags {
  on: string[];
  base?: string;
  textField: string;
  idField: string;
  languageField?: string;
  identifyLanguages?: boolean;
  sourceField?: string;
  inputFormat: InputFormat | 'auto';
  limit?: number;
  maxBadRecords: number;
  seed: number;
  out: string;
  format: TokenizerReportFormat[];
  json?: boolean;
}

export function tokenizerCompareCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('compare')
    .description(
      'compare tokenizers on files: compression by language, vocabulary use, how they cut numbers and Chinese',
    )
    .argument('<tokenizer...>', 'tokenizer files or folders, or NAME=PATH')
    .requiredOption('--on <input...>', 'files, folders or globs of texts', collect)
    .option('--base <name>', "the tokenizer whose tokens the others' are a multiple of; default: the first")
    .option('--text-field <name>', 'field that holds the text', 'text')
    .option('--id-field <name>', 'field with a unique id', 'id')
    .option('--language-field <path>', 'field with the language')
    .option('--identify-languages', 'identify languages (fastText lid.176)')
    .option('--source-field <path>', 'field with the source; default: the file')
    .addOption(
      new Option('--input-format <name>', 'format of the inputs')
        .choices(['auto', ...INPUT_FORMATS])
        .default('auto', 'by file'),
    )
    .option('-n, --limit <n>', 'documents to look at', wholeNumber(1))
    .option('--max-bad-records <n>', 'fail when more records than this cannot be read', wholeNumber(0), 100)
    .option('--seed <n>', 'of the intervals', wholeNumber(0), 0)
    .option('-o, --out <dir>', 'folder of the report', 'runs/tokenizer-compare')
    .option('--format <list>', 'files to write, of json, md and html', formatList, [...TOKENIZER_REPORT_FORMATS])
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (tokenizers: string[], flags: Flags) => setExitCode(await compare(tokenizers, flags, context)));
}

function formatList(value: string): TokenizerReportFormat[] {
  const names = value.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !(TOKENIZER_REPORT_FORMATS as readonly string[]).includes(name));
  if (wrong !== undefined) throw new InvalidArgumentError(`expected some of ${TOKENIZER_REPORT_FORMATS.join(',')}`);
  return TOKENIZER_REPORT_FORMATS.filter((name) => names.includes(name));
}

async function compare(given: readonly string[], flags: Flags, context: CliContext): Promise<ExitCode> {
  const { cwd, env, stdout, stderr } = context;
  if (flags.identifyLanguages === true && flags.languageField !== undefined) {
    throw new CorpusmillError('USAGE', '--identify-languages and --language-field exclude each other');
  }
  const [{ createComparison }, { judgedTokenizer }, { compareFiles }] = await Promise.all([
    import('../tokenizer/compare/comparison.ts'),
    import('../tokenizer/compare/judged-tokenizer.ts'),
    import('../tokenizer/compare/compare-files.ts'),
  ]);
  const named = namedTokenizers(given, cwd);
  const judged = [];
  for (const { name, path } of named) judged.push(judgedTokenizer(name, await loadTokenizerFile(path, cwd)));
  const specs = await inputSpecs(flags, cwd);
  const comparison = createComparison(judged, {
    title: `${named.map(({ name }) => name).join(', ')} on ${specs.map(({ name }) => name).join(', ')}`,
    base: flags.base,
    seed: flags.seed,
  });
  const done = await compareFiles(specs, comparison, {
    limit: flags.limit,
    maxBadRecords: flags.maxBadRecords,
    sourceField: flags.sourceField === undefined ? undefined : inMeta(flags.sourceField),
    languageOf: await languageReader(flags),
    ...(stderr.isTTY === true && {
      onProgress: (documents) => stderr.write(`\r${plural(documents, 'document')}\x1b[K`),
    }),
  });
  if (stderr.isTTY === true) stderr.write('\r\x1b[K');
  const report = comparison.report(done.badRecords);
  const { writeTokenizerReport } = await import('../report/tokenizers/index.ts');
  const files = await writeTokenizerReport(report, resolve(cwd, flags.out), flags.format);
  const bytesPerSecond = comparison.bytesPerSecond();
  if (flags.json === true) {
    await printJson(context, { report, files, bytesPerSecond });
    return EXIT.ok;
  }
  const { renderTokenizerTerminal } = await import('../report/tokenizers/terminal.ts');
  const options = { color: wantsColor(stdout, env), width: widthOf(stdout), bytesPerSecond };
  await print(stdout, `${renderTokenizerTerminal(report, options)}\n`);
  const { bold } = colorsFor(stdout, env);
  await print(stdout, `${bold('Report')}  ${Object.values(files).map(shellPath).join('  ')}\n`);
  return EXIT.ok;
}

async function inputSpecs(flags: Flags, cwd: string): Promise<InputSpec[]> {
  const { namedInputs, resolveGlob } = await import('../pipeline/config/inputs.ts');
  return namedInputs(flags.on).map(({ name, path }) => ({
    name,
    paths: [resolveGlob(cwd, path)],
    format: flags.inputFormat,
    textField: flags.textField,
    idField: flags.idField,
    metaFields: [flags.languageField, flags.sourceField].flatMap((path) => (path === undefined ? [] : fieldsOf(path))),
    limit: flags.limit,
    sample: undefined,
    seed: flags.seed,
    maxRecordBytes: 256 << 20,
    maxExpansionRatio: 1000,
  }));
}

/** The columns that a path may begin with: names may hold dots themselves. */
function fieldsOf(path: string): string[] {
  const parts = path.split('.');
  return parts.map((_, i) => parts.slice(0, i + 1).join('.'));
}

/** A column called `source` lies in meta as `original_source`, since `meta.source` is the input. */
function inMeta(path: string): string {
  return path.replace(/^source(?=\.|$)/, 'original_source');
}

async function languageReader(flags: Flags): Promise<(document: Document) => string | null> {
  if (flags.identifyLanguages === true) {
    const [{ bundledLanguageModel }, { loadClassifier }, { createLanguageIdentifier }] = await Promise.all([
      import('../quality/bundled-model.ts'),
      import('../quality/fasttext/classifier.ts'),
      import('../quality/language-identifier.ts'),
    ]);
    const identify = createLanguageIdentifier(loadClassifier(bundledLanguageModel()), {
      scoring: 'fasttext',
      candidates: null,
    });
    return ({ text }) => identify(text).lang;
  }
  if (flags.languageField === undefined) return () => null;
  const { nameOf } = await import('../tokenizer/compare/compare-files.ts');
  const path = inMeta(flags.languageField).split('.');
  return ({ meta }) => nameOf(fieldValue(meta, path));
}

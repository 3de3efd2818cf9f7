/**
 * From an input's paths and globs to the files that will be read, in the order they will be read.
 *
 * A path is a file, a folder (every file under it, hidden ones left out) or a glob; a name that exists is taken as it
 * is even when it looks like a glob. Mistakes are found here, before anything runs.
 */
import { open, opendir, stat } from 'node:fs/promises';
import { basename, dirname, relative, sep } from 'node:path';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { lazyPackage } from '../core/lazy.ts';
import { BrokenInput } from './broken-input.ts';
import { decompressedHead } from './codecs.ts';
import type { InputFile, InputFormat, InputSpec } from './input.ts';

/** Loaded for names with signs of patterns and for folders: most runs name files. */
const globbing = lazyPackage<typeof import('tinyglobby')>('tinyglobby');

/** What no pattern is without, and no name is escaped for. */
const PATTERN_SIGN = /[*?[\]{}()!+@|\\]/;

/** File name extension (after .gz and .zst are taken off) → format. `.json` is decided by the first bytes. */
const FORMAT_OF_EXTENSION: Record<string, InputFormat> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  parquet: 'parquet',
  pq: 'parquet',
  arrow: 'arrow',
  arrows: 'arrow',
  feather: 'arrow',
  ipc: 'arrow',
  txt: 'text',
  text: 'text',
  md: 'text',
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  warc: 'warc',
  wet: 'warc',
  arc: 'warc',
};

export interface ExpandOptions {
  /** The run directory: a pattern that matches files in it would read the run's own output, so they are left out. */
  runDirectory?: string;
  onWarning?: (message: string) => void;
}

/**
 * Expands every input's paths; files come by input, then sorted by path (code unit order), each once.
 * Throws CorpusmillError: INPUT_NOT_FOUND where a path or pattern matches nothing, INPUT_UNREADABLE where a file may not
 * be read or its format cannot be told, CONFIG_INVALID where one lies in the run directory.
 */
export async function expandInputs(specs: InputSpec[], options: ExpandOptions = {}): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const [input, spec] of specs.entries()) {
    const found = new Set<string>();
    const bases: string[] = [];
    for (const pattern of spec.paths) {
      const { base, paths } = await matches(spec, pattern);
      bases.push(base);
      for (const path of withoutOwnOutput(spec, pattern, paths, options)) found.add(path);
    }
    // One base for all of an input's paths, so that two of its files cannot share a relative path, and so an id.
    const base = commonFolder(bases);
    for (const path of [...found].sort()) files.push(await describe(input, spec, path, base));
  }
  return files;
}

function withoutOwnOutput(spec: InputSpec, pattern: string, paths: string[], options: ExpandOptions): string[] {
  const { runDirectory, onWarning } = options;
  if (runDirectory === undefined) return paths;
  const kept = paths.filter((path) => !path.startsWith(runDirectory + sep));
  if (kept.length === paths.length) return paths;
  if (kept.length === 0) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `Input ${spec.name}: ${pattern} lies in the run directory ${runDirectory}`,
      {
        hint: 'A run cannot read its own output: choose another `output`, or another `path`.',
      },
    );
  }
  const left = paths.length - kept.length;
  onWarning?.(
    `input ${spec.name}: ${left} of the files that ${pattern} matches lie in the run directory and are left out`,
  );
  return kept;
}

async function matches(spec: InputSpec, pattern: string): Promise<{ base: string; paths: string[] }> {
  const here = await stat(pattern).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw unreadable(spec, pattern, error);
  });
  if (here?.isFile()) return { base: dirname(pattern), paths: [pattern] };
  const options = { absolute: true, onlyFiles: true, followSymbolicLinks: true, expandDirectories: false } as const;
  if (here?.isDirectory()) {
    await refuseClosedFolders(spec, pattern, [`${escapeGlob(pattern)}/**`]);
    const paths = await globbing().glob(`${escapeGlob(pattern)}/**`, options);
    if (paths.length === 0) {
      throw new CorpusmillError('INPUT_NOT_FOUND', `Input ${spec.name}: the folder ${pattern} holds no files`, {
        hint: 'Hidden files (names beginning with a dot) are left out; name them by a pattern to read them.',
      });
    }
    return { base: pattern, paths };
  }
  const base = fixedPrefix(pattern);
  if (isGlob(pattern)) {
    const parts = pattern.split('/');
    const folders = parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('/'));
    await refuseClosedFolders(
      spec,
      base,
      folders.filter((folder) => isGlob(folder)),
    );
  }
  const paths = isGlob(pattern) ? await globbing().glob(pattern, options) : [];
  if (paths.length === 0) {
    const nearest = await nearestFolder(base);
    const what = isGlob(pattern) ? `no file matches ${pattern}` : `${pattern} does not exist`;
    const folder = nearest === base ? `its folder ${nearest} exists` : `the nearest folder that exists is ${nearest}`;
    throw new CorpusmillError('INPUT_NOT_FOUND', `Input ${spec.name}: ${what} (${folder})`, {
      hint: 'Paths are resolved against the folder of the pipeline file; check the spelling.',
    });
  }
  return { base, paths };
}

/** A glob passes over folders that it may not list, and their files would be missing in silence. */
async function refuseClosedFolders(spec: InputSpec, base: string, patterns: string[]): Promise<void> {
  const options = { absolute: true, onlyDirectories: true, expandDirectories: false } as const;
  const folders = patterns.length === 0 ? [] : await globbing().glob(patterns, options);
  for (const folder of [base, ...folders.sort()]) {
    const entries = opendir(folder).then((entries) => entries.close());
    await entries.catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw unreadable(spec, folder, error);
    });
  }
}

/** True for a pattern. Escaped characters are looked past: tinyglobby takes `a\\{b\\}/*` for a plain path. */
export function isGlob(pattern: string): boolean {
  return PATTERN_SIGN.test(pattern) && globbing().isDynamicPattern(pattern.replaceAll(/\\./g, '_'));
}

/** A path as the pattern that matches it alone. */
export function escapeGlob(path: string): string {
  return PATTERN_SIGN.test(path) ? globbing().escapePath(path) : path;
}

/** The folder above a pattern's first dynamic part, its escapes taken off. */
function fixedPrefix(pattern: string): string {
  const parts = pattern.split('/');
  let fixed = 0;
  while (fixed < parts.length - 1 && !isGlob(parts[fixed])) fixed++;
  return (
    parts
      .slice(0, fixed)
      .join('/')
      .replace(/\\([^\w\s/])/g, '$1') || sep
  );
}

async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const there = await stat(folder).catch(() => undefined);
    if (there?.isDirectory() || folder === dirname(folder)) return folder;
  }
}

function commonFolder(folders: string[]): string {
  let common = folders[0];
  for (const folder of folders) {
    while (relative(common, folder).startsWith('..')) common = dirname(common);
  }
  return common;
}

async function describe(input: number, spec: InputSpec, path: string, base: string): Promise<InputFile> {
  try {
    // Opening is the test: access() asks for the real user, not for the one in force.
    const file = await open(path);
    const { size, mtimeMs } = await file.stat().finally(() => file.close());
    const format = spec.format === 'auto' ? await detectFormat(spec, path) : spec.format;
    const relativePath = relative(base, path).split(sep).join('/') || basename(path);
    return { input, path, relativePath, format, bytes: size, modifiedMs: mtimeMs };
  } catch (error) {
    throw unreadable(spec, path, error);
  }
}

function unreadable(spec: InputSpec, path: string, error: unknown): unknown {
  if (error instanceof BrokenInput) {
    return new CorpusmillError('INPUT_UNREADABLE', `Input ${spec.name}: ${path}: ${error.reason}: ${error.message}`);
  }
  const code = systemCode(error);
  if (code === undefined || error instanceof CorpusmillError) return error;
  return new CorpusmillError('INPUT_UNREADABLE', `Input ${spec.name}: cannot read ${path} (${code})`, {
    hint: code === 'EACCES' || code === 'EPERM' ? 'Give this user permission to read it.' : 'Check the file.',
    cause: error,
  });
}

async function detectFormat(spec: InputSpec, path: string): Promise<InputFormat> {
  const name = basename(path).toLowerCase();
  const stem = name.replace(/\.(gz|gzip|zst|zstd)$/, '');
  const extension = stem.includes('.') ? stem.slice(stem.lastIndexOf('.') + 1) : '';
  const known = Object.hasOwn(FORMAT_OF_EXTENSION, extension) ? FORMAT_OF_EXTENSION[extension] : undefined;
  if (known !== undefined) return known;
  const head = await decompressedHead(path, 512);
  const format = formatOfBytes(head);
  if (format !== undefined) return format;
  const isArray = head[0] === 0x5b;
  throw new CorpusmillError('INPUT_UNREADABLE', `Input ${spec.name}: cannot tell the format of ${path}`, {
    hint: isArray
      ? 'It looks like one JSON array; turn it into one object a line (jq -c ".[]").'
      : "Set the input's `format`, or leave the file out of the pattern.",
  });
}

/** The format that a file's first bytes (after decompression) name; plain text is anything without a NUL. */
export function formatOfBytes(head: Uint8Array): InputFormat | undefined {
  const start = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (start.length === 0) return 'text';
  if (start.toString('latin1', 0, 4) === 'PAR1') return 'parquet';
  if (start.toString('latin1', 0, 6) === 'ARROW1') return 'arrow';
  // An Arrow stream: continuation marker, then the length of the schema message.
  if (start.length >= 8 && start.readUInt32LE(0) === 0xffffffff && start.readInt32LE(4) > 0) return 'arrow';
  const text = start.toString('utf8').replace(/^\ufeff?\s*/, '');
  if (/^(?:WARC\/\d|filedesc:\/\/)/.test(text)) return 'warc';
  if (text.startsWith('{')) return 'jsonl';
  if (text.startsWith('[') || start.includes(0)) return undefined;
  return /^(?:<!doctype html|<html\b)/i.test(text) ? 'html' : 'text';
}

/**
 * The benches' common input: `web-mix` from the shared data beside the repository (20,781 documents, 60 MB of page
 * text, English and Chinese), and larger files made by repeating it under other ids.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { packageRoot } from '../src/core/package-root.ts';

/** Folder of the shared data. */
export function sharedData(): string {
  return join(process.env['CORPUSMILL_SHARED'] ?? join(packageRoot(), '..', 'shared'), 'data');
}

/** Absolute path of `web-mix.jsonl.gz`. Throws, saying how to bring it, when the shared data is absent. */
export function webMixPath(): string {
  const path = join(sharedData(), 'web-mix.jsonl.gz');
  if (existsSync(path)) return path;
  throw new Error(`no ${path}; this bench reads the shared data: set CORPUSMILL_SHARED to the folder that holds data/`);
}

/** Where made inputs and runs of benches lie; kept between runs. `CORPUSMILL_BENCH_CACHE` moves it. */
export function benchCache(): string {
  const folder = process.env['CORPUSMILL_BENCH_CACHE'] ?? join(homedir(), '.cache', 'corpusmill', 'bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

const ID_START = Buffer.from('{"id": "');

/**
 * A plain JSONL file of at least `bytes` bytes (whole documents): web-mix over and over, copy k's ids beginning `k/`.
 * Made once and cached under its size.
 */
export function repeatedWebMix(bytes: number): string {
  const path = join(benchCache(), `web-mix-${Math.round(bytes / 1e6)}MB.jsonl`);
  if (existsSync(path) && statSync(path).size >= bytes) return path;
  const lines = splitLines(gunzipSync(readFileSync(webMixPath())));
  const file = openSync(`${path}.part`, 'w');
  let written = 0;
  for (let copy = 0; written < bytes; copy++) {
    const start = Buffer.concat([ID_START, Buffer.from(`${copy}/`)]);
    // One write per thousand lines: a write per line takes minutes.
    for (let first = 0; first < lines.length && written < bytes; first += 1000) {
      const batch = lines.slice(first, first + 1000).flatMap((line) => [start, line.subarray(ID_START.length)]);
      written += writeSync(file, Buffer.concat(batch));
    }
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
  return path;
}

/**
 * Several texts of each page of web-mix (five: 300 MB; 26 at most): the page, and others with every letter and ideograph moved
 * on by the same distance, so that words, lengths and near-copies within a copy stay what they are and nothing is shared
 * between copies.
 */
export function shiftedWebMix(copies = 5): string {
  const path = join(benchCache(), `web-mix-shifted-${copies}.jsonl`);
  if (existsSync(path)) return path;
  const lines = gunzipSync(readFileSync(webMixPath())).toString('utf8').trimEnd().split('\n');
  const file = openSync(`${path}.part`, 'w');
  for (let copy = 0; copy < copies; copy++) {
    for (let first = 0; first < lines.length; first += 1000) {
      const batch = lines.slice(first, first + 1000).map((line) => {
        const page = JSON.parse(line) as { id: string; text: string };
        return JSON.stringify({ ...page, id: `${copy}/${page.id}`, text: shifted(page.text, copy) });
      });
      writeSync(file, `${batch.join('\n')}\n`);
    }
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
  return path;
}

function shifted(text: string, copy: number): string {
  if (copy === 0) return text;
  const within = (unit: number, first: number, count: number, by: number): number =>
    first + ((unit - first + by * copy) % count);
  const units = new Uint16Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x61 && unit < 0x7b) units[i] = within(unit, 0x61, 26, 5);
    else if (unit >= 0x41 && unit < 0x5b) units[i] = within(unit, 0x41, 26, 5);
    else if (unit >= 0x4e00 && unit < 0x9f00) units[i] = within(unit, 0x4e00, 0x5100, 97);
    else units[i] = unit;
  }
  return Buffer.from(units.buffer).toString('utf16le');
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start) + 1 || bytes.length;
    const line = bytes.subarray(start, end);
    if (!line.subarray(0, ID_START.length).equals(ID_START)) throw new Error(`web-mix: no id at byte ${start}`);
    lines.push(line);
    start = end;
  }
  return lines;
}

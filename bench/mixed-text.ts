/**
 * Mixed text of any size for the training bench: web-mix, Chinese news, encyclopedia and novels, package descriptions,
 * instructions, and sentences in 75 languages, shuffled (about 150 MB). What goes beyond is the same texts again with
 * letters changed: about one in 150 characters, where it is a Latin letter or a Chinese character, becomes another one.
 * So one word in twenty-five is a new one, and the number of distinct pieces grows as in real text: see bench/README.md.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createRandom, shuffle } from '../src/core/random.ts';
import { benchCache, sharedData } from './web-mix.ts';

const SETS: { file: string; members: string[] }[] = [
  { file: 'web-mix.jsonl.gz', members: ['text'] },
  { file: 'lctt-zh.jsonl.gz', members: ['text'] },
  { file: 'zh-wiki-paragraphs.jsonl.gz', members: ['text'] },
  { file: 'package-descriptions.jsonl.gz', members: ['text'] },
  { file: 'instruct/alpaca-en.jsonl.gz', members: ['instruction', 'input', 'output'] },
  { file: 'instruct/alpaca-zh.jsonl.gz', members: ['instruction', 'input', 'output'] },
  { file: 'instruct/gsm8k-train.jsonl.gz', members: ['question', 'answer'] },
];
const FOLDERS = ['zh-classic-novels', 'langid-lingua/sentences'];
const LINES_PER_TEXT = 50;
const SEED = 6;
/** Mean distance of two changes. */
const CHANGE_EVERY = 150;

/**
 * A JSONL file of texts (member `text`) whose UTF-8 together is `bytes` or a text more. Made once and cached under its
 * size.
 */
export function mixedTextFile(bytes: number): string {
  const path = join(benchCache(), `mixed-text-${Math.round(bytes / 1e6)}MB.jsonl`);
  if (existsSync(path)) return path;
  const file = openSync(`${path}.part`, 'w');
  let lines: string[] = [];
  for (const text of mixedTexts(bytes)) {
    lines.push(`${JSON.stringify({ text })}\n`);
    if (lines.length < 1000) continue;
    writeSync(file, lines.join(''));
    lines = [];
  }
  writeSync(file, lines.join(''));
  closeSync(file);
  renameSync(`${path}.part`, path);
  return path;
}

function* mixedTexts(bytes: number): Generator<string> {
  const texts = shuffle(readTexts(), SEED);
  const random = createRandom(SEED);
  let left = bytes;
  for (let copy = 0; ; copy++) {
    for (const original of texts) {
      if (left <= 0) return;
      const text = copy === 0 ? original : changed(original, random);
      left -= Buffer.byteLength(text);
      yield text;
    }
  }
}

function readTexts(): string[] {
  const texts: string[] = [];
  const read = (file: string): string => {
    const bytes = readFileSync(join(sharedData(), file));
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  };
  for (const { file, members } of SETS) {
    for (const line of read(file).trimEnd().split('\n')) {
      const row = JSON.parse(line) as Record<string, string>;
      texts.push(members.map((member) => row[member]).join('\n'));
    }
  }
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(sharedData(), folder)).sort()) {
      const lines = read(join(folder, name)).split('\n');
      for (let i = 0; i < lines.length; i += LINES_PER_TEXT) {
        texts.push(lines.slice(i, i + LINES_PER_TEXT).join('\n'));
      }
    }
  }
  return texts;
}

function changed(text: string, random: ReturnType<typeof createRandom>): string {
  const parts: string[] = [];
  let done = 0;
  for (let i = random.below(2 * CHANGE_EVERY); i < text.length; i += 1 + random.below(2 * CHANGE_EVERY)) {
    const unit = text.charCodeAt(i);
    const isLetter = unit >= 0x61 && unit <= 0x7a;
    if (!isLetter && !(unit >= 0x4e00 && unit < 0x9fa0)) continue;
    const other = isLetter ? 0x61 + random.below(26) : 0x4e00 + ((unit - 0x4e00 + random.below(64)) % 0x51a0);
    parts.push(text.slice(done, i), String.fromCharCode(other));
    done = i + 1;
  }
  parts.push(text.slice(done));
  return parts.join('');
}

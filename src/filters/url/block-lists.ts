/** Host and URL block lists out of files and options: one entry a line, `#` starts a comment line. */
import { domainToASCII } from 'node:url';
import { type ListFile, readListBytes } from '../../io/list-file.ts';
import { addEntry, createHashSet, type HashSet } from './hash-set.ts';

/** Hosts: lower-cased, international names in their ASCII form (`bücher.example` → `xn--bcher-kva.example`). */
export function readHosts(files: readonly ListFile[], inline: readonly string[]): HashSet {
  return read(files, inline, true, (entry) => domainToASCII(entry) || entry);
}

/** URLs, compared as written; a scheme and a slash at the end are left out on both sides. */
export function readUrls(files: readonly ListFile[], inline: readonly string[]): HashSet {
  return read(files, inline, false, (entry) => entry);
}

const NEWLINE = 0x0a;

function read(
  files: readonly ListFile[],
  inline: readonly string[],
  isHost: boolean,
  normalize: (entry: string) => string,
): HashSet {
  const lists = [...files.map(readListBytes), Buffer.from(inline.join('\n'))];
  const lines = lists.reduce((sum, bytes) => sum + countLines(bytes), 0);
  const set = createHashSet(lines, isHost);
  const units = new Uint16Array(1 << 16);
  for (const bytes of lists) {
    for (let at = 0; at < bytes.length; ) {
      let next = bytes.indexOf(NEWLINE, at);
      if (next === -1) next = bytes.length;
      let start = at;
      let end = next;
      at = next + 1;
      while (start < end && bytes[start] <= 0x20) start++;
      while (end > start && bytes[end - 1] <= 0x20) end--;
      if (start === end || bytes[start] === 0x23) continue;
      if (isAscii(bytes, start, end)) {
        if (isHost) addEntry(set, bytes, start, end);
        else addEntry(set, bytes, ...withoutScheme(bytes, start, end));
        continue;
      }
      const entry = normalize(bytes.toString('utf8', start, end)).slice(0, units.length);
      for (let i = 0; i < entry.length; i++) units[i] = entry.charCodeAt(i);
      if (isHost) addEntry(set, units, 0, entry.length);
      else addEntry(set, units, ...withoutScheme(units, 0, entry.length));
    }
  }
  return set;
}

function countLines(bytes: Buffer): number {
  let lines = 1;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] >= 0x80) return false;
  return true;
}

const COLON = 0x3a;
const SLASH = 0x2f;

/** `[start, end)` without `scheme://` and a closing slash. */
export function withoutScheme(units: ArrayLike<number>, start: number, end: number): [number, number] {
  const behind = afterScheme(units, start, end);
  return [behind, end > behind && units[end - 1] === SLASH ? end - 1 : end];
}

/** The position behind `scheme://`, or behind `//`, or `start`. */
export function afterScheme(units: ArrayLike<number>, start: number, end: number): number {
  let i = start;
  while (i < end && isSchemeUnit(units[i])) i++;
  if (i > start && units[i] !== COLON) return start;
  if (units[i] === COLON) i++;
  return i + 1 < end && units[i] === SLASH && units[i + 1] === SLASH ? i + 2 : start;
}

function isSchemeUnit(unit: number): boolean {
  const letter = unit | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    (unit >= 0x2b && unit <= 0x2e && unit !== 0x2c)
  );
}

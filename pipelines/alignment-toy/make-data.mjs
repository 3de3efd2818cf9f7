// Makes sort.jsonl beside this file: digits, and the same digits in ascending order. The same file every time.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const RECORDS = 800;
const DIGITS = 6;
let state = 20260801;

/** The next digit of a linear congruential generator (Numerical Recipes), from its high bits. */
function digit() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * 10);
}

const lines = Array.from({ length: RECORDS }, () => {
  const digits = Array.from({ length: DIGITS }, digit);
  const prompt = digits.join('');
  return JSON.stringify({ prompt, completion: digits.sort((a, b) => a - b).join('') });
});
writeFileSync(join(import.meta.dirname, 'sort.jsonl'), `${lines.join('\n')}\n`);

/** Whole decisions under little memory: more passes, scratch files, the same result. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { exact } from '../../src/dedup/exact.ts';
import { minhash } from '../../src/dedup/minhash/stage.ts';
import { documentsFrom, runBarrier } from './context.ts';

let workDir: string;
beforeAll(() => {
  workDir = mkdtempSync(join(tmpdir(), 'corpusmill-memory-'));
});
afterAll(() => rmSync(workDir, { recursive: true }));

// Sixty words of a small vocabulary, some exact copies, some with a few words changed, some that share half.
const random = createRandom(3);
const words = (count: number): string[] => Array.from({ length: count }, () => `w${random.below(400)}`);
const texts: string[] = [];
for (let i = 0; i < 600; i++) {
  const earlier = texts[random.below(texts.length || 1)]?.split(' ') ?? words(60);
  const kind = i % 6;
  if (kind === 0) texts.push(earlier.join(' '));
  else if (kind === 1) texts.push([...earlier.slice(0, 57), ...words(3)].join(' '));
  else if (kind === 2) texts.push([...earlier.slice(0, 30), ...words(30)].join(' '));
  else texts.push(words(60).join(' '));
}
const documents = documentsFrom(texts);

describe.each([
  ['dedup.exact', exact, {}],
  ['dedup.minhash', minhash, {}],
  ['dedup.minhash by Jaccard similarity', minhash, { threshold: 0.5 }],
  ['dedup.minhash without a check', minhash, { verify: 0 }],
] as const)('%s', (_, stage, options) => {
  it('decides and reports the same with any memory and in any number of parts', async () => {
    const whole = await runBarrier(stage, options, documents);
    expect(whole.details.duplicates).toBeGreaterThan(50);
    for (const memoryBytes of [3000, 60_000]) {
      for (const partRows of [[600], [70], [1, 2, 300]]) {
        const { keptAs, details } = await runBarrier(stage, options, documents, { memoryBytes, partRows, workDir });
        expect(keptAs).toEqual(whole.keptAs);
        expect(details).toEqual(whole.details);
        expect(readdirSync(workDir)).toEqual([]);
      }
    }
  });
});

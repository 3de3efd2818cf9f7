/**
 * The check of candidate pairs where it is shared out among workers: a corpus with thousands of candidates. The result is the
 * same with any number of workers, without the native add-on, and where a run was killed in the midst of it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import {
  cli,
  pipelineFile,
  productsOf,
  startCli,
  summaryOf,
  timingOf,
  waitFor,
  workspace,
  writtenDocuments,
} from './cli.ts';
import { jsonl } from './corpus.ts';

const FAMILIES = 500;
const COPIES = 7;
const WORDS = 100;

/** Of each family an original, near-copies with one word changed, a piece, and a document whose half is another's. */
function familyCorpus(): { id: string; text: string }[] {
  const random = createRandom(11);
  const documents: { id: string; text: string }[] = [];
  for (let family = 0; family < FAMILIES; family++) {
    const words = Array.from({ length: WORDS }, (_, i) => `w${family}x${i}`);
    documents.push({ id: `original-${family}`, text: words.join(' ') });
    for (let copy = 0; copy < COPIES; copy++) {
      const changed = [...words];
      changed[random.below(WORDS)] = `changed${copy}`;
      documents.push({ id: `copy-${family}-${copy}`, text: changed.join(' ') });
    }
    documents.push({ id: `piece-${family}`, text: words.slice(0, 60).join(' ') });
    const other = words.map((word, i) => (i < WORDS / 2 ? word : `other${family}x${i}`));
    documents.push({ id: `half-${family}`, text: other.join(' ') });
  }
  // In an order in which parts hold members of many families, and representatives lie in other parts.
  const keys = new Map(documents.map(({ id }) => [id, random.below(2 ** 30)]));
  return documents.sort((a, b) => keys.get(a.id)! - keys.get(b.id)!);
}

describe('a check that workers share', { timeout: 240_000 }, () => {
  const cwd = (): string =>
    workspace({
      'data.jsonl': jsonl(familyCorpus()),
      'p.yaml': pipelineFile({
        inputs: [{ name: 'families', path: 'data.jsonl' }],
        stages: ['dedup.minhash', { stage: 'write', format: 'jsonl', compression: 'none' }],
        run: { chunkBytes: 256 * 1024 },
      }),
    });

  it('finds the same with any number of workers and without the add-on, and what was planted', async () => {
    const folder = cwd();
    const settings: [workers: number, env: Record<string, string>][] = [
      [1, {}],
      [2, {}],
      [3, {}],
      [2, { CORPUSMILL_NATIVE: '0' }],
    ];
    const products: Record<string, string>[] = [];
    for (const [i, [workers, env]] of settings.entries()) {
      const args = ['run', 'p.yaml', '--workers', String(workers), '--set', `output=run${i}`];
      const result = await cli(args, folder, { env });
      expect(result.code, result.stderr).toBe(0);
      expect(timingOf(join(folder, `run${i}`)).workers).toBe(workers);
      products.push(productsOf(join(folder, `run${i}`)));
    }
    for (const other of products) expect(other).toEqual(products[0]);

    const { verification } = summaryOf(join(folder, 'run0')).barriers[0].details as {
      verification: { candidatePairs: number; rejected: number };
    };
    // More than are worth sharing out, and not all of them near-copies.
    expect(verification.candidatePairs).toBeGreaterThan(2000);
    expect(verification.rejected).toBeGreaterThan(100);
    const kept = writtenDocuments(join(folder, 'run0')).map(({ id }) => id);
    const family = (id: string): string => id.split('-')[1];
    const whole = kept.filter((id) => id.startsWith('original') || id.startsWith('copy'));
    // One of each family, and no document that is half another's is lost.
    expect(new Set(whole.map(family)).size).toBe(FAMILIES);
    expect(whole).toHaveLength(FAMILIES);
    expect(kept.filter((id) => id.startsWith('half'))).toHaveLength(FAMILIES);
  });

  it('killed in the midst of its decision, ends with the same bytes', async () => {
    const folder = cwd();
    expect((await cli(['run', 'p.yaml', '--workers', '2', '--set', 'output=whole'], folder)).code).toBe(0);
    const run = startCli(['run', 'p.yaml', '--workers', '2'], folder);
    const work = join(folder, 'run', 'phases', '02-dedup.minhash', 'decide', 'work');
    expect(await waitFor(() => existsSync(work), run)).toBe(true);
    run.child.kill('SIGKILL');
    expect((await run.done).signal).toBe('SIGKILL');
    const again = await cli(['run', 'p.yaml', '--workers', '2'], folder);
    expect(again.code, again.stderr).toBe(0);
    expect(productsOf(join(folder, 'run'))).toEqual(productsOf(join(folder, 'whole')));
  });
});

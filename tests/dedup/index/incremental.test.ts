/** What an incremental run keeps, against one run over everything. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Document } from '../../../src/core/document.ts';
import { createRandom } from '../../../src/core/random.ts';
import { NOBODY } from '../../../src/core/stage.ts';
import { exact } from '../../../src/dedup/exact.ts';
import { minhash } from '../../../src/dedup/minhash/stage.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { documentsFrom, runBarrier } from '../context.ts';
import { inParts, keptIds, runBatches } from './batches.ts';

/** `documents` cut at `cuts`, which lie between 0 and 1. */
function cutAt(documents: readonly Document[], cuts: readonly number[]): Document[][] {
  const places = [0, ...cuts.map((cut) => Math.round(cut * documents.length)).sort((a, b) => a - b), documents.length];
  return places.slice(1).map((end, i) => documents.slice(places[i], end));
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 });

/** Texts of `length` words of their own; a copy has `changed` other ones at its end. */
function family(name: string, length = 100): (copy: number, changed?: number) => string {
  return (copy, changed = 0) =>
    Array.from({ length }, (_, i) => (i < length - changed ? `${name}w${i}` : `${name}c${copy}w${i}`)).join(' ');
}

/** Three texts of which neighbours are alike (J = 75/125), the first and the last are not (50/150). */
function windows(): string[] {
  const words = family('f', 150)(0).split(' ');
  return [0, 25, 50].map((from) => words.slice(from, from + 100).join(' '));
}

describe('deduplication in batches', () => {
  it('by equal text keeps the same documents as one run, however the corpus is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 40 }),
        cuts,
        async (numbers, places) => {
          const documents = documentsFrom(numbers.map((number) => `text ${number}`));
          const one = keptIds(await runBarrier(exact, {}, documents), documents);
          for (const writeIndex of [true, 'merged'] as const) {
            const { kept } = await runBatches(exact, {}, cutAt(documents, places), { writeIndex, partRows: [7] });
            expect(kept).toEqual(one);
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  // Within a family all pairs are alike, and certain to be candidates (J ≥ .9, 40 bands of 4: 1 - 10^-18 and better).
  it('by near copies keeps the same as one run where the members of each cluster are all alike', async () => {
    const member = fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 3 }));
    await fc.assert(
      fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 40 }), cuts, async (members, places) => {
        const texts = members.map(([number, changed], copy) => family(`f${number}`)(copy, changed));
        const documents = documentsFrom(texts);
        for (const options of [{ keep: 'first' }, { keep: 'first', verify: 0.7 }]) {
          const one = keptIds(await runBarrier(minhash, options, documents), documents);
          expect(one).toHaveLength(new Set(members.map(([number]) => number)).size);
          expect((await runBatches(minhash, options, cutAt(documents, places))).kept).toEqual(one);
        }
      }),
      { numRuns: 5 },
    );
  });

  // Likeness is not transitive: a document that ties two clusters together comes too late for what is already kept. With
  // `indexed: all` nothing else differs.
  it('keeps of each batch what one run over all documents so far would keep of it', async () => {
    const options = { keep: 'first', verify: 0, shingleTokens: 1, numBands: 4, rowsPerBand: 2, indexed: 'all' };
    // So few words in common that clusters are many, small, and now and then tied together.
    const sentence = fc.array(
      fc.nat({ max: 50 }).map((word) => `w${word}`),
      { minLength: 5, maxLength: 10 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(sentence, { minLength: 25, maxLength: 35 }), cuts, async (sentences, places) => {
        const documents = documentsFrom(sentences.map((words) => words.join(' ')));
        const batches = cutAt(documents, places);
        const { kept } = await runBatches(minhash, options, batches);
        const expected: string[] = [];
        for (let i = 0, end = 0; i < batches.length; i++) {
          end += batches[i].length;
          const prefix = documents.slice(0, end);
          const ofPrefix = new Set(keptIds(await runBarrier(minhash, options, prefix), prefix));
          expected.push(...batches[i].filter(({ id }) => ofPrefix.has(id)).map(({ id }) => id));
        }
        expect(kept).toEqual(expected);
        const one = keptIds(await runBarrier(minhash, options, documents), documents);
        expect(kept).toEqual(expect.arrayContaining(one));
      }),
      { numRuns: 10 },
    );
  });

  it('cannot take back what is kept when a later document ties two clusters together', async () => {
    const [first, middle, last] = windows();
    const options = { verify: 0.5, shingleTokens: 1, keep: 'first' };
    const inOrder = documentsFrom([first, last, middle]);
    expect(keptIds(await runBarrier(minhash, options, inOrder), inOrder)).toEqual(['d0']);
    const { kept } = await runBatches(minhash, options, cutAt(inOrder, [0.34, 0.67]));
    expect(kept).toEqual(['d0', 'd1']);
  });

  it('drops a cluster as a whole when one member is like an indexed document, and names that document', async () => {
    const chain = windows();
    const earlier = documentsFrom([chain[0], family('other')(0)]).map((one) => ({ ...one, id: `old-${one.id}` }));
    const later = documentsFrom([family('new')(0), chain[2], chain[1], family('new')(1, 2)]);
    const options = { verify: 0.5, shingleTokens: 1, keep: 'first' };
    const { outcomes } = await runBatches(minhash, options, [earlier, later]);
    const { keptAs, result, details } = outcomes[1];
    expect(keptAs).toEqual([0, NOBODY, NOBODY, 0]);
    expect(await result.outsideIds!([1, 2, 3])).toEqual(
      new Map([
        [1, 'old-d0'],
        [2, 'old-d0'],
      ]),
    );
    // 75 shared words of 125; the other has no likeness of its own to an indexed document.
    expect(result.reasonOf!(2)).toEqual({ reason: 'in_index', value: 0.6, threshold: 0.5 });
    expect(result.reasonOf!(1)).toEqual({ reason: 'in_index' });
    expect(result.reasonOf!(3)).toEqual({ reason: 'duplicate' });
    expect(details['index']).toMatchObject({ documents: 2, inIndex: 2 });
    expect(details.duplicates).toBe(1);
  });

  it('finds a copy of a dropped copy only where dropped ones are indexed', async () => {
    const chain = windows();
    const batches = [documentsFrom(chain.slice(0, 2)), documentsFrom(chain.slice(2))];
    const options = { verify: 0.5, shingleTokens: 1, keep: 'first' };
    const kept = await Promise.all(
      ['kept', 'all'].map(async (indexed) => (await runBatches(minhash, { ...options, indexed }, batches)).kept),
    );
    expect(kept.map(({ length }) => length)).toEqual([2, 1]);
  });

  it('drops a fragment of an indexed document, and keeps what holds an indexed document as its fragment', async () => {
    const whole = family('f', 200)(0);
    const half = whole.split(' ').slice(0, 100).join(' ');
    const [wholeFirst, halfFirst] = [
      [whole, half],
      [half, whole],
    ].map((texts) =>
      runBatches(
        minhash,
        {},
        texts.map((text) => documentsFrom([text])),
      ),
    );
    expect((await wholeFirst).outcomes[1].keptAs).toEqual([NOBODY]);
    expect((await halfFirst).outcomes[1].keptAs).toEqual([0]);
  });

  it('does not take a container with a fragment that an index has', async () => {
    const whole = family('f', 200)(0);
    const half = whole.split(' ').slice(0, 100).join(' ');
    const { outcomes } = await runBatches(minhash, {}, [documentsFrom([half]), documentsFrom([half, whole])]);
    expect(outcomes[1].keptAs).toEqual([NOBODY, 1]);
  });

  it('leaves documents without a token or without the field alone', async () => {
    const documents = documentsFrom(['…', '!?']);
    const near = await runBatches(minhash, {}, [documents, documents]);
    expect(near.outcomes[1].keptAs).toEqual([0, 1]);
    expect(near.outcomes[1].details['index']).toMatchObject({ documents: 0 });
    const byField = await runBatches(exact, { by: 'url' }, [documents, documents]);
    expect(byField.outcomes[1].keptAs).toEqual([0, 1]);
  });
});

describe('an index', () => {
  const texts = Array.from({ length: 60 }, (_, i) => family(`f${i % 40}`, 30 + 20 * (i % 7))(i, i % 3));
  const documents = documentsFrom(texts);

  function filesIn(folder: string): Record<string, Buffer> {
    return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  }

  it.each([
    { stage: minhash, options: {} },
    { stage: minhash, options: { verify: 0.8 } },
    { stage: exact, options: {} },
  ])('of $stage.name $options is the same whatever the parts and the memory, as are decisions', async (given) => {
    const batches = inParts(documents, 3);
    const settings = [{ partRows: [1000] }, { partRows: [1, 5, 2] }, { partRows: [6], memoryBytes: 4000 }];
    const runs = await Promise.all(settings.map((one) => runBatches(given.stage, given.options, batches, one)));
    for (const run of runs) {
      expect(run.outcomes.map(({ keptAs }) => keptAs)).toEqual(runs[0].outcomes.map(({ keptAs }) => keptAs));
      run.indexes.forEach((folder, i) => {
        expect(filesIn(folder)).toEqual(filesIn(runs[0].indexes[i]));
      });
    }
  });

  it('merged with earlier ones decides as they do together, and is the same as an index of all', async () => {
    const batches = inParts(documents, 4);
    const apart = await runBatches(minhash, {}, batches);
    const merged = await runBatches(minhash, {}, batches, { writeIndex: 'merged' });
    expect(merged.outcomes.map(({ keptAs }) => keptAs)).toEqual(apart.outcomes.map(({ keptAs }) => keptAs));
    const kept = documents.filter(({ id }) => merged.kept.includes(id));
    const [ofKept] = (await runBatches(minhash, {}, [kept])).indexes;
    expect(filesIn(merged.indexes[3])).toEqual(filesIn(ofKept));
  });

  it('leaves out what earlier stages have dropped', async () => {
    const [index] = (await runBatches(exact, {}, [documents], { alive: (ordinal) => ordinal % 2 === 0 })).indexes;
    const outcome = await runBarrier(exact, { index }, documents);
    expect(outcome.keptAs.map((kept) => kept === NOBODY)).toEqual(
      texts.map((text) => texts.some((other, i) => i % 2 === 0 && other === text)),
    );
  });

  it.each([
    { stage: minhash, made: {}, asked: { numBands: 20 }, message: 'numBands = 40, this pipeline has 20' },
    { stage: minhash, made: { rowsPerBand: 5 }, asked: {}, message: 'rowsPerBand = 5, this pipeline has 4' },
    { stage: minhash, made: {}, asked: { shingleTokens: 5 }, message: 'shingleTokens = 3, this pipeline has 5' },
    { stage: minhash, made: { seed: 5 }, asked: {}, message: 'seed = 5, this pipeline has 1' },
    { stage: minhash, made: { verify: 0 }, asked: { shingleTokens: 5, numBands: 40 }, message: 'verify = 0' },
    { stage: minhash, made: { verify: 0.5 }, asked: { shingleTokens: 5 }, message: 'a Jaccard similarity", this' },
    { stage: exact, made: { by: 'id' }, asked: {}, message: 'by = "id", this pipeline has "text"' },
    { stage: exact, made: { normalize: 'loose' }, asked: {}, message: 'normalize = "loose", this pipeline has "raw"' },
  ])('made with $made is refused with $asked, with both values', async ({ stage, made, asked, message }) => {
    const [index] = (await runBatches(stage, made, [documents.slice(0, 3)])).indexes;
    await expect(runBarrier(stage, { ...asked, index }, documents)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it('of another stage is refused', async () => {
    const [index] = (await runBatches(exact, {}, [documents])).indexes;
    await expect(runBarrier(minhash, { index }, documents)).rejects.toThrow('stage = "dedup.exact"');
  });

  it('checks by another limit than it was made with', async () => {
    const [index] = (await runBatches(minhash, { verify: 0.9, shingleTokens: 1 }, [documentsFrom([texts[0]])])).indexes;
    // 30 words, of which 5 are others: J = 25/35.
    const near = documentsFrom([family('f0', 30)(1, 5)]);
    const dropped = async (verify: number): Promise<boolean> =>
      (await runBarrier(minhash, { verify, shingleTokens: 1, index }, near)).keptAs[0] === NOBODY;
    expect([await dropped(0.7), await dropped(0.75)]).toEqual([true, false]);
  });

  it('with any byte changed is refused or decides the same, never otherwise', async () => {
    const [index] = (await runBatches(minhash, {}, [documents.slice(0, 12)])).indexes;
    const files = filesIn(index);
    const run = async (folder: string): Promise<unknown> => {
      const { keptAs, result } = await runBarrier(minhash, { index: folder }, documents.slice(0, 20));
      const ids = await result.outsideIds!(keptAs.map((_, i) => i));
      return [keptAs, [...ids]];
    };
    const sound = await run(index);
    const random = createRandom(9);
    for (const name of Object.keys(files)) {
      for (let trial = 0; trial < 6; trial++) {
        const bytes = Buffer.from(files[name]);
        if (trial === 0) {
          await expect(run(copy(files, { [name]: bytes.subarray(0, -2) }))).rejects.toMatchObject(DAMAGED);
          await expect(run(copy(files, { [name]: undefined }))).rejects.toThrow(/damaged|cannot be read/);
        }
        bytes[random.below(bytes.length)] ^= 1 << random.below(8);
        const changed = await run(copy(files, { [name]: bytes })).catch((error: unknown) => error);
        if (changed instanceof Error)
          expect(changed).toMatchObject({ code: expect.stringMatching(/INPUT_(CORRUPT|UNREADABLE)/) });
        else expect(changed).toEqual(sound);
      }
    }
  });

  const DAMAGED = { code: 'INPUT_CORRUPT', hint: expect.stringContaining('--from') };

  function copy(files: Record<string, Buffer>, changes: Record<string, Buffer | undefined>): string {
    const folder = join(temporaryFolder(), 'index');
    mkdirSync(folder);
    for (const [name, bytes] of Object.entries({ ...files, ...changes })) {
      if (bytes !== undefined) writeFileSync(join(folder, name), bytes);
    }
    return folder;
  }

  it('that is not there is named, with what an index is', async () => {
    await expect(runBarrier(exact, { index: '/nowhere/index' }, documents)).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      hint: expect.stringContaining('writeIndex'),
    });
  });
});

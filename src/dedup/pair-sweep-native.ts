/**
 * The native sweep (native/pair_sweep.cc): compares what its twin does (pair-sweep.ts) on texts as they lie in their part's
 * file. Pairs go in by blocks, and what is found comes out by arrays, a part at a time.
 */
import type { NativeAddon } from '../core/native-addon.ts';
import type { Utf8Column } from '../core/utf8-column.ts';
import { tellAscii, tellUnits } from '../text/folded-tokens.ts';
import type { LikenessRule } from './likeness.ts';
import type { PairSet } from './pair-set.ts';
import { emptyHistogram, type PairSweep, SIMILARITY_BINS, type SweepOptions, type SweptGroup } from './pair-sweep.ts';

const NEEDS = ['nothing', 'kept sets', 'texts'] as const;
const NO_TEXTS: Utf8Column = { bytes: new Uint8Array(), offsets: new Int32Array() };

export function createNativePairSweep(addon: NativeAddon, options: SweepOptions): PairSweep {
  const { rule, parents, sizes, maxHeldValues, maxKeptValues, groups: mostGroups, fragments } = options;
  tellAscii(addon);
  const sweep = new addon.PairSweep(ruleNumbers(rule), mostGroups, maxHeldValues, maxKeptValues, parents, sizes);
  let groups: readonly SweptGroup[] = [];
  let given: BlocksGiven[] = [];

  return {
    begin(swept) {
      groups = swept;
      sweep.begin();
      for (const [place, { open }] of groups.entries()) {
        for (const block of open.blocks()) sweep.note(place, block);
      }
      given = groups.map(({ open }) => ({ blocks: open.blocks(), lastMajor: -1 }));
    },
    need: ({ firstOrdinal, rows }) => NEEDS[sweep.need(firstOrdinal, rows)],
    visit({ firstOrdinal, rows }, texts = NO_TEXTS) {
      const { bytes, offsets } = texts;
      for (const [place, progress] of given.entries()) {
        giveUpTo(progress, firstOrdinal + rows - 1, (block) => sweep.give(place, block));
      }
      for (let row = 0; ; ) {
        row = sweep.visit(firstOrdinal, rows, row, bytes, offsets);
        if (row === rows) break;
        // It has characters that no thread has met: they are told, and it goes on with this row.
        const utf8 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        tellUnits(addon, utf8.toString('utf8', offsets[row], offsets[row + 1]), 0);
      }
      for (const [place, { waiting, failures }] of groups.entries()) {
        addAll(waiting, sweep.take(WAITING, place));
        addAll(failures, sweep.take(FAILURES, place));
      }
      addAll(fragments, sweep.take(FRAGMENTS, 0));
    },
    end() {
      for (const { blocks } of given) blocks.return();
      given = [];
    },
    regroup(failures, candidates) {
      sweep.beginRegrouping();
      for (const block of failures.blocks()) addAll(candidates, sweep.regroup(block));
    },
    counts() {
      const numbers = new Float64Array(2 + 2 * SIMILARITY_BINS);
      sweep.counts(numbers);
      const [checked, rejected, ...bins] = numbers;
      const similarities = {
        ...emptyHistogram(rule),
        accepted: bins.slice(0, SIMILARITY_BINS),
        rejected: bins.slice(SIMILARITY_BINS),
      };
      return { counts: { checked, rejected }, similarities };
    },
  };
}

const WAITING = 0;
const FAILURES = 1;
const FRAGMENTS = 2;

function ruleNumbers(rule: LikenessRule): Float64Array {
  if (rule.kind === 'jaccard') return Float64Array.of(1, rule.shingleTokens, rule.threshold, 0, 0, 0, 0, 0, 0);
  const { shingleTokens, minShingles, minTokens, maxReordered, fragment, exactBelow, orderedBelow } = rule;
  return Float64Array.of(
    ...[0, shingleTokens, 0, minShingles, minTokens, maxReordered, fragment, exactBelow, orderedBelow],
  );
}

/** How much of a group's pairs was given. */
interface BlocksGiven {
  blocks: ReturnType<PairSet['blocks']>;
  lastMajor: number;
}

/** Gives blocks until all pairs whose majors are `ordinal` or less were given. */
function giveUpTo(progress: BlocksGiven, ordinal: number, give: (block: Uint32Array) => void): void {
  while (progress.lastMajor <= ordinal) {
    const next = progress.blocks.next();
    if (next.done === true) return;
    give(next.value);
    progress.lastMajor = next.value[next.value.length - 1];
  }
}

function addAll(pairs: PairSet, words: Uint32Array | undefined): void {
  if (words !== undefined) pairs.addPairs(words);
}

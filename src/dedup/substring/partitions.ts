/**
 * Candidate texts that fit the memory. Where all regions do, they make one text. Else passages are divided by their
 * fingerprint, the smallest key in them (winnow.ts), which the passage alone decides: all places of a passage lie in the
 * same partition, so what is found in each partition is exact, and together it is what one text would have given. A passage
 * that another partition sees in part says nothing wrong there: what goes goes rightly.
 *
 * Memory: `BYTES_PER_SYMBOL` for each symbol of a text. The phrases of one bucket of keys are never divided, so that a
 * corpus in which one phrase stands many million times, each time with other words close by, takes more than it is given.
 * Time: a pass over the scratch file for each partition and one to count; texts overlap, to about five times the symbols.
 */
import { type CandidateText, createCandidateText, type LetterText } from './candidate-text.ts';
import { REGION_HEAD, type Regions } from './regions.ts';
import { createWinnower, winnowShape } from './winnow.ts';

/** Text, suffix array, what is shared, marks; types and buckets while sorting. */
const BYTES_PER_SYMBOL = 18;
/** By the upper bits of the smallest key's second word, which is even where the first, being smallest, is not. */
const BUCKET_BITS = 12;
/** Places in a text are 32-bit integers. */
const MAX_LETTERS = 2 ** 31 - 2;

/** Calls `visit` for one text or for each of a partition. */
export async function eachCandidateText(
  regions: Regions,
  minLength: number,
  memoryBytes: number,
  visit: (text: LetterText) => void,
): Promise<void> {
  if (regions.count === 0) return;
  const capacity = Math.min(Math.floor(memoryBytes / BYTES_PER_SYMBOL), MAX_LETTERS);
  if (regions.symbols + regions.count <= capacity) {
    const text = createCandidateText(regions.symbols, regions.count);
    await regions.file.scan((record) => {
      const { ordinal, start, symbols } = regionOf(record);
      text.add(ordinal, start, symbols, 0, symbols.length);
    });
    visit(text.finish());
    return;
  }
  for (const partition of await planPartitions(regions, minLength, capacity)) {
    const text = createCandidateText(partition.symbols, partition.regions);
    await addPassages(regions, minLength, partition, text);
    visit(text.finish());
  }
}

function regionOf(record: Uint32Array): { ordinal: number; start: number; symbols: Int32Array } {
  const symbols = new Int32Array(record.buffer, record.byteOffset + 4 * REGION_HEAD, record.length - REGION_HEAD);
  return { ordinal: record[0], start: record[1], symbols };
}

/** Buckets from (included) and to (excluded), and at most how much text they have. */
interface Partition {
  from: number;
  to: number;
  symbols: number;
  regions: number;
}

async function planPartitions(regions: Regions, minLength: number, capacity: number): Promise<Partition[]> {
  const winnower = createWinnower(winnowShape(minLength));
  const symbolsOf = new Float64Array(2 ** BUCKET_BITS);
  const regionsOf = new Float64Array(2 ** BUCKET_BITS);
  await regions.file.scan((record) => {
    const { symbols } = regionOf(record);
    const found = winnower.winnow(symbols, symbols.length);
    for (let i = 0; i < found; i++) {
      const bucket = winnower.low[winnower.selected[i]] >>> (32 - BUCKET_BITS);
      const end = i + 1 < found ? winnower.since[i + 1] : symbols.length - minLength + 1;
      symbolsOf[bucket] += end - winnower.since[i] + minLength - 1;
      regionsOf[bucket]++;
    }
  });
  const partitions: Partition[] = [];
  let last: Partition | undefined;
  for (let bucket = 0; bucket < symbolsOf.length; bucket++) {
    const letters = symbolsOf[bucket] + regionsOf[bucket];
    if (letters === 0) continue;
    if (last === undefined || last.symbols + last.regions + letters > capacity) {
      last = { from: bucket, to: bucket + 1, symbols: 0, regions: 0 };
      partitions.push(last);
    }
    last.to = bucket + 1;
    last.symbols += symbolsOf[bucket];
    last.regions += regionsOf[bucket];
  }
  return partitions;
}

/** Adds the passages whose smallest key lies in the partition, those behind each other as one region. */
async function addPassages(
  regions: Regions,
  minLength: number,
  { from, to }: Partition,
  text: CandidateText,
): Promise<void> {
  const winnower = createWinnower(winnowShape(minLength));
  await regions.file.scan((record) => {
    const { ordinal, start, symbols } = regionOf(record);
    const found = winnower.winnow(symbols, symbols.length);
    let first = -1;
    for (let i = 0; i <= found; i++) {
      const bucket = i < found ? winnower.low[winnower.selected[i]] >>> (32 - BUCKET_BITS) : -1;
      if (bucket >= from && bucket < to) {
        if (first === -1) first = winnower.since[i];
      } else if (first !== -1) {
        const end = (i < found ? winnower.since[i] : symbols.length - minLength + 1) + minLength - 1;
        text.add(ordinal, start + first, symbols, first, end);
        first = -1;
      }
    }
  });
}

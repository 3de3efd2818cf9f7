/** Event files by the published format, and as TensorBoard's own reader sees them where it is installed. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SummaryValue, stepOf, summaryEvent } from '../../../src/io/tensorboard/event.ts';
import { EVENT_FILE, openEventFile } from '../../../src/io/tensorboard/event-file.ts';
import { crc32c, frameRecord, maskedCrc32c, wholeRecords } from '../../../src/io/tensorboard/record.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-tensorboard-'));
});
afterAll(() => rm(dir, { recursive: true }));

const scalar = (tag: string, value: number): SummaryValue => ({ kind: 'scalar', tag, value });

describe('CRC-32C', () => {
  // RFC 3720, appendix B.4; the check value of the catalogue of CRCs.
  it.each<[string, Uint8Array, number]>([
    ['"123456789"', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ])('of %s', (_, bytes, expected) => expect(crc32c(bytes)).toBe(expected));

  it('is masked by rotation and a constant', () => {
    const crc = 0xe3069283;
    const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe(masked);
  });
});

describe('records', () => {
  it('are read up to the first broken one', () => {
    const records = ['one', 'two', 'three'].map((text) => frameRecord(Buffer.from(text)));
    const file = Buffer.concat(records);
    const texts = (bytes: Uint8Array): string[] =>
      [...wholeRecords(bytes)].map(({ data }) => Buffer.from(data).toString());
    expect(texts(file)).toEqual(['one', 'two', 'three']);
    expect(texts(file.subarray(0, -1))).toEqual(['one', 'two']);
    const flipped = Buffer.from(file);
    flipped[records[0].length + 13] ^= 1;
    expect(texts(flipped)).toEqual(['one']);
    const long = Buffer.from(file);
    long.fill(0xff, 0, 8);
    expect(texts(long)).toEqual([]);
  });
});

describe('events', () => {
  it('have the bytes of the protocol', () => {
    // Event { wall_time: 1, step: 300, summary { value { tag: "a", simple_value: 0.5, metadata { plugin_data { plugin_name: "scalars" }, data_class: 1 } } } }
    const expected = [
      '09000000000000f03f', // field 1, double
      '10ac02', // field 2, varint 300
      '2a19', // field 5, 25 bytes
      '0a17', // value, 23 bytes
      '0a0161', // tag "a"
      '150000003f', // simple_value 0.5
      '4a0d0a090a077363616c617273', // metadata, plugin "scalars" …
      '2001', // … data_class 1
    ].join('');
    const event = summaryEvent(300, 1, [scalar('a', 0.5)]);
    expect(Buffer.from(event).toString('hex')).toBe(expected);
  });

  it.each([0, 1, 127, 128, 300, 2 ** 31, 2 ** 40 + 7])('give their step %d back', (step) => {
    expect(stepOf(summaryEvent(step, 5, [scalar('a', 1)]))).toBe(step);
  });
});

describe('event files', () => {
  const steps = (folder: string): number[] =>
    [...wholeRecords(readFileSync(join(folder, EVENT_FILE)))].map(({ data }) => stepOf(data));
  const run = (folder: string, from: number, to: number, keepThrough?: number): void => {
    const file = openEventFile(folder, keepThrough === undefined ? {} : { keepThrough });
    for (let step = from; step <= to; step++) file.write(step, [scalar('loss', 1 / step)]);
    file.close();
  };

  it('of a resumed run are those of one that was not interrupted', () => {
    run(join(dir, 'whole'), 1, 20);
    run(join(dir, 'resumed'), 1, 14);
    // Killed while writing.
    appendFileSync(join(dir, 'resumed', EVENT_FILE), frameRecord(Buffer.from('half')).subarray(0, 9));
    run(join(dir, 'resumed'), 11, 20, 10);
    expect(readFileSync(join(dir, 'resumed', EVENT_FILE))).toEqual(readFileSync(join(dir, 'whole', EVENT_FILE)));
    expect(steps(join(dir, 'whole'))).toEqual([0, ...Array.from({ length: 20 }, (_, i) => i + 1)]);
  });

  it('begin anew unless they are to be continued, also where there is none yet', async () => {
    run(join(dir, 'anew'), 1, 3);
    run(join(dir, 'anew'), 1, 2);
    expect(steps(join(dir, 'anew'))).toEqual([0, 1, 2]);
    run(join(dir, 'none-yet'), 5, 6, 4);
    expect(steps(join(dir, 'none-yet'))).toEqual([0, 5, 6]);
    await writeFile(join(dir, 'anew', EVENT_FILE), 'a letter of mine, not to be cut off');
    expect(() => openEventFile(join(dir, 'anew'), { keepThrough: 4 })).toThrow(/it holds no events/);
  });
});

const PYTHON = join(
  process.env['CORPUSMILL_PEERS'] ?? join(homedir(), '.cache', 'corpusmill', 'peers'),
  'bin',
  'python',
);
const FOUND = "import importlib.util, sys; sys.exit(importlib.util.find_spec('tensorboard') is None)";
const hasTensorBoard = spawnSync(PYTHON, ['-c', FOUND]).status === 0;

describe.skipIf(!hasTensorBoard)('TensorBoard', () => {
  it('reads scalars, texts and histograms', { timeout: 120_000 }, () => {
    const folder = join(dir, 'board');
    const file = openEventFile(folder);
    const histogram = { min: -1, max: 2, count: 3, sum: 1, sumOfSquares: 5, limits: [0, 1, 2], counts: [1, 1, 1] };
    for (const step of [1, 2]) file.write(step, [scalar('train/loss', 3 / step), scalar('lr', 1e-4)], 1000 + step);
    file.write(2, [{ kind: 'text', tag: 'sample', text: 'Once upon a time 你好' }]);
    file.write(2, [{ kind: 'histogram', tag: 'weights', histogram }]);
    file.close();
    const script = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
board = EventAccumulator(sys.argv[1]); board.Reload()
tags = board.Tags()
h = board.Histograms("weights")[0].histogram_value
print(json.dumps({
  "scalars": {tag: [[e.step, e.wall_time, e.value] for e in board.Scalars(tag)] for tag in tags["scalars"]},
  "text": [[e.step, e.tensor_proto.string_val[0].decode()] for e in board.Tensors("sample")],
  "histogram": [h.min, h.max, h.num, h.sum, h.sum_squares, list(h.bucket_limit), list(h.bucket)],
}))`;
    const { stdout, stderr } = spawnSync(PYTHON, ['-c', script, folder], { encoding: 'utf8' });
    expect(JSON.parse(stdout === '' ? stderr : stdout)).toEqual({
      scalars: {
        'train/loss': [
          [1, 1001, 3],
          [2, 1002, 1.5],
        ],
        lr: [
          [1, 1001, Math.fround(1e-4)],
          [2, 1002, Math.fround(1e-4)],
        ],
      },
      text: [[2, 'Once upon a time 你好']],
      histogram: [-1, 2, 3, 1, 5, [0, 1, 2], [1, 1, 1]],
    });
  });
});

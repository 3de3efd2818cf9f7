/**
 * Run summaries for the report's tests. `runSummary` works stage volumes out from what each stage drops, so that a
 * fixture cannot contradict itself; `webSummary` is a run as the quickstart would have it, with hostile text in it.
 */
import type { DuplicateDetails, RunSummary } from '../../src/core/run-summary.ts';
import {
  type DropSample,
  type SizeHistogram,
  type StageStats,
  sizeHistogram,
  type Volume,
} from '../../src/core/stats.ts';

export const HOSTILE =
  '</script><img src=x onerror=alert(1)>"\' onmouseover="alert(2)" <svg/onload=alert(3)> {{7*7}} `code` | pipe';

interface StageSketch {
  name: string;
  stage?: string;
  /** Reason → documents and bytes. */
  drops?: Record<string, [documents: number, bytes: number]>;
  samples?: Record<string, DropSample[]>;
  changed?: number;
  /** Bytes that edits added (negative: removed). */
  edited?: number;
  added?: number;
}

/** Stage statistics that add up, from what was read and what each stage did. */
export function stagesFrom(read: Volume, sketches: readonly StageSketch[]): StageStats[] {
  let current = { ...read };
  return sketches.map((sketch) => {
    const dropped: Record<string, Volume> = {};
    const output = { documents: current.documents + (sketch.added ?? 0), bytes: current.bytes + (sketch.edited ?? 0) };
    for (const [reason, [documents, bytes]] of Object.entries(sketch.drops ?? {})) {
      dropped[reason] = { documents, bytes };
      output.documents -= documents;
      output.bytes -= bytes;
    }
    const stats: StageStats = {
      name: sketch.name,
      stage: sketch.stage ?? sketch.name,
      input: current,
      output,
      changed: sketch.changed ?? 0,
      added: sketch.added ?? 0,
      dropped,
      samples: sketch.samples ?? {},
    };
    current = output;
    return stats;
  });
}

/** A histogram of the given volume: `shape` are relative heights from bucket `from` on. */
export function histogramOf(volume: Volume, from: number, shape: readonly number[]): SizeHistogram {
  const histogram = sizeHistogram();
  if (volume.documents === 0) return histogram;
  const total = shape.reduce((a, b) => a + b, 0);
  histogram.buckets = [
    ...new Array<number>(from).fill(0),
    ...shape.map((height) => Math.floor((volume.documents * height) / total)),
  ];
  const missing = volume.documents - histogram.buckets.reduce((a, b) => a + b, 0);
  histogram.buckets[from + Math.floor(shape.length / 2)] += missing;
  histogram.count = volume.documents;
  histogram.sum = volume.bytes;
  histogram.min = 2 ** from + 1;
  histogram.max = 2 ** (from + shape.length) - 3;
  return histogram;
}

export function emptySummary(): RunSummary {
  return {
    schemaVersion: 1,
    corpusmillVersion: '0.1.0',
    pipeline: { name: 'empty', file: 'pipelines/empty.yaml', hash: '0000000000000000', seed: 1 },
    inputs: [{ name: 'nothing', format: 'jsonl', files: 1, fileBytes: 0, documents: 0, badRecords: 0 }],
    stages: stagesFrom({ documents: 0, bytes: 0 }, [{ name: 'normalize' }, { name: 'filter.c4' }]),
    lengthsBefore: sizeHistogram(),
    lengthsAfter: sizeHistogram(),
    sources: { nothing: { input: { documents: 0, bytes: 0 }, output: { documents: 0, bytes: 0 } } },
    quarantine: { records: 0, byReason: {}, path: undefined },
    barriers: [],
    outputs: [],
  };
}

/** Ten documents, one stage, one drop: small enough to work every figure out in the head. */
export function smallSummary(): RunSummary {
  const read = { documents: 10, bytes: 20_000 };
  const stages = stagesFrom(read, [
    {
      name: 'filter.c4',
      drops: { 'too few sentences': [2, 1_000] },
      samples: {
        'too few sentences': [
          {
            key: 1,
            id: 'web/4',
            source: 'web',
            reason: 'too few sentences',
            value: 2,
            threshold: 5,
            excerpt: 'Two words. Really.',
            bytes: 18,
          },
        ],
      },
    },
  ]);
  return {
    ...emptySummary(),
    pipeline: { name: 'small', file: 'pipelines/small.yaml', hash: 'abcdef0123456789', seed: 7 },
    inputs: [{ name: 'web', format: 'jsonl', files: 1, fileBytes: 5_000, documents: 10, badRecords: 1 }],
    stages,
    lengthsBefore: histogramOf(read, 10, [4, 6]),
    lengthsAfter: histogramOf(stages[0].output, 10, [2, 6]),
    sources: { web: { input: read, output: stages[0].output } },
    quarantine: { records: 1, byReason: { 'invalid JSON': 1 }, path: 'quarantine.jsonl' },
    outputs: [{ name: 'clean', stage: 'write.parquet', path: 'clean', files: 1, bytes: 9_000, details: { rows: 8 } }],
  };
}

const MAIL = `From rssfeeds@example.org  Mon Oct  7 12:05:12 2002
Return-Path: <rssfeeds@example.org>
Received: from localhost (jalapeno [127.0.0.1])
\tby spamassassin.example.org (Postfix) with ESMTP id 9BB0A16F21
\tfor <jm@localhost>; Mon,  7 Oct 2002 12:04:10 +0100 (IST)
Content-Type: text/plain; encoding=utf-8
Subject: Notes from the harbour

URL: http://example.org/notes/2002/10/07
Date: 2002-10-07T03:14:55+01:00

The ferry was late again, and everyone on the quay had an opinion on why. Nobody was right; the tide was.`;

const ADDRESS = `Fellow citizens of the Senate and of the House: in meeting you again I feel much satisfaction in being able to report that the harvests have been good, the mails are regular, and that the debt which weighed upon our towns has been reduced by a third since last we met. There remains the matter of the roads, on which I have asked the surveyors for a full account, to be laid before you as soon as it is complete. I recommend to your attention the state of the militia, the coinage, and the schools.`;

const CHINESE = `江边的小镇每年春天都要修一次堤。老人们说，水不认人，只认高低；年轻人笑，却还是扛着锄头去了。那一年雨下得早，三月里河水就漫过了第二级石阶，镇上的人连夜装沙袋，孩子们提着灯笼照路。到天亮的时候，水退了一尺，大家坐在堤上吃热馒头，谁也没有说话。`;

function sample(
  key: number,
  id: string,
  source: string,
  reason: string,
  excerpt: string,
  bytes: number,
  value?: number,
  threshold?: number,
): DropSample {
  return { key, id, source, reason, value, threshold, excerpt: excerpt.slice(0, 600), bytes };
}

const LONG_ID = `crawl/2024-10/segments/1727944253471.87/warc/CC-MAIN-20241003094020-20241003124020-00000.warc.gz#${'0123456789abcdef'.repeat(6)}`;

/** A run over English addresses, e-mail, web pages and Chinese text, as large as the quickstart's. */
export function webSummary(): RunSummary {
  const read = { documents: 48_211, bytes: 163_482_910 };
  const stages = stagesFrom(read, [
    { name: 'normalize', changed: 31_077, edited: -1_204_331 },
    {
      name: 'filter.gopher-quality',
      drops: {
        'too few words': [4_812, 1_102_334],
        'too many symbols per word': [366, 2_871_002],
        'too few stop words': [1_925, 9_300_117],
        'mean word length': [241, 1_020_400],
        'too many bullet lines': [77, 300_001],
      },
      samples: {
        'too few words': [
          sample(11, 'mail/00412.a1c9', 'mail', 'too few words', 'unsubscribe', 11, 1, 50),
          sample(12, LONG_ID, 'web', 'too few words', `Click here\n${HOSTILE}`, 130, 23, 50),
          sample(13, 'zh/公告/第七号', 'chinese', 'too few words', '今日休息，明日照常。', 30, 10, 50),
        ],
        'too many symbols per word': [
          sample(
            14,
            'web/page-8812',
            'web',
            'too many symbols per word',
            '### NEW ### HOT ### … … … ### CALL NOW ### … # # # # # FREE ### … ### OFFER ENDS ### SOON ###',
            14_922,
            0.3444,
            0.1,
          ),
        ],
        'too few stop words': [
          sample(
            15,
            'mail/01877.77e0',
            'mail',
            'too few stop words',
            'PRICE LIST Q4\nSKU-1009  12.50\nSKU-1010  14.00\nSKU-1011  9.75\nSKU-1012  112.00\nSKU-1013  7.25',
            4_112,
            0,
            2,
          ),
          sample(
            16,
            'web/rtl-page',
            'web',
            'too few stop words',
            'שלום עולם \u202eoverride\u202c و مرحبا بالعالم',
            2_040,
            1,
            2,
          ),
        ],
      },
    },
    {
      name: 'filter.gopher-repetition',
      drops: {
        'duplicate lines': [1_344, 4_770_120],
        'top 2-gram': [902, 1_850_777],
        'duplicate 10-grams': [2_017, 12_440_902],
      },
      samples: {
        'duplicate lines': [
          sample(
            21,
            'web/forum-113',
            'web',
            'duplicate lines',
            'Re: Re: Re:\nquoted text hidden\nReply\nquoted text hidden\nReply\nquoted text hidden\nReply\nquoted text hidden\nReply',
            8_300,
            0.6667,
            0.3,
          ),
        ],
        'duplicate 10-grams': [sample(22, 'mail/00031.spam', 'mail', 'duplicate 10-grams', MAIL, 2_911, 0.4218, 0.1)],
      },
    },
    {
      name: 'filter.c4',
      drops: {
        'too few sentences': [3_390, 2_911_118],
        'lorem ipsum': [12, 40_112],
        'curly bracket': [688, 5_002_871],
      },
      changed: 18_230,
      edited: -3_870_090,
      samples: {
        'curly bracket': [
          sample(
            31,
            'web/snippet-5',
            'web',
            'curly bracket',
            '<script>function f() { return "</script><script>alert(1)</script>"; }</script>\u0000\u0007',
            9_999,
          ),
        ],
        'lorem ipsum': [
          sample(
            32,
            'web/template',
            'web',
            'lorem ipsum',
            'Lorem ipsum placeholder for the new site of our bakery.',
            3_120,
          ),
        ],
      },
    },
    { name: 'english only', stage: 'filter.regex', drops: { 'matched exclude: \\bcasino|poker\\b': [58, 190_233] } },
    { name: 'dedup.exact', drops: { duplicate: [2_204, 5_590_412] } },
    { name: 'dedup.minhash', drops: { duplicate: [1_871, 7_014_400] } },
    { name: 'tokenizer', stage: 'tokenizer.train' },
  ]);
  const kept = stages[stages.length - 1].output;
  const exact: DuplicateDetails = {
    kind: 'duplicates',
    method: 'exact',
    documents: stages[5].input.documents,
    duplicates: 2_204,
    saved: { bytes: 5_590_412, tokens: 931_000 },
    sources: {
      by: 'source',
      names: ['web', 'mail', 'chinese'],
      documents: [18_000, 6_000, 8_379],
      duplicates: [1_500, 704, 0],
      bytesSaved: [4_000_000, 1_590_412, 0],
      matrix: [
        [0, 0, 1_490],
        [0, 1, 10],
        [1, 1, 704],
      ],
    },
    clusters: 1_270,
    clusterSizes: { 2: 990, 3: 170, 4: 60, 5: 20, 8: 18, 17: 10, 31: 2 },
    largest: [
      {
        size: 31,
        skipped: 0,
        members: [1, 2, 3].map((n) => ({
          id: `mail/footer-${n}`,
          source: 'mail',
          kept: n === 1,
          excerpt: 'This list is moderated. To leave, write to the address in the header.',
          bytes: 70,
        })),
      },
    ],
    settings: { hash: 'xxh64', normalized: true },
  };
  const near: DuplicateDetails = {
    kind: 'duplicates',
    method: 'minhash',
    documents: stages[6].input.documents,
    duplicates: 1_871,
    saved: { bytes: 7_014_400, tokens: 1_170_000 },
    sources: {
      by: 'site',
      names: ['<b>web</b>', 'mail'],
      documents: [20_000, 10_175],
      duplicates: [1_000, 871],
      bytesSaved: [5_000_000, 2_014_400],
      matrix: [
        [0, 0, 1_000],
        [1, 0, 71],
        [1, 1, 800],
      ],
    },
    curve: { bands: 14, rows: 8 },
    checked: {
      measure: 'jaccard',
      accepted: [...Array(15).fill(0), 60, 150, 240, 500, 950],
      rejected: [...Array(9).fill(0), 3, 8, 30, 90, 200, 330, 0, 0, 0, 0, 0],
    },
    fingerprints: { of: 'signature', count: 2, base64: 'AAAAAAAAAAEAAAAAAAAAAg==' },
    clusters: 1_203,
    clusterSizes: { 2: 901, 3: 188, 4: 61, 5: 20, 6: 13, 9: 12, 14: 6, 33: 1, 70: 1 },
    largest: [
      {
        size: 70,
        skipped: 0,
        members: [
          { id: 'mail/00118.ham', source: 'mail', kept: true, excerpt: MAIL, bytes: 2_330 },
          {
            id: 'mail/00119.ham',
            source: 'mail',
            kept: false,
            excerpt: MAIL.replace('Notes from the harbour', 'Notes from the pier').replace(
              'late again',
              'early for once',
            ),
            bytes: 2_341,
          },
          { id: LONG_ID, source: 'web', kept: false, excerpt: MAIL.replace('9BB0A16F21', 'C71FA0043B'), bytes: 2_330 },
        ],
      },
      {
        size: 33,
        skipped: 0,
        members: [
          { id: 'address/1851', source: 'addresses', kept: true, excerpt: ADDRESS, bytes: 41_229 },
          {
            id: 'address/1851-reprint',
            source: 'addresses',
            kept: false,
            excerpt: ADDRESS.replace('much satisfaction', 'great satisfaction').replace('by a third', 'by one third'),
            bytes: 41_260,
          },
        ],
      },
      {
        size: 14,
        skipped: 0,
        members: [
          { id: 'zh/堤/一', source: 'chinese', kept: true, excerpt: CHINESE, bytes: 1_180 },
          {
            id: 'zh/堤/二',
            source: 'chinese',
            kept: false,
            excerpt: CHINESE.replace('三月里', '二月底').replace('热馒头', '冷馒头'),
            bytes: 1_180,
          },
        ],
      },
      {
        size: 9,
        skipped: 0,
        members: [
          { id: `web/${HOSTILE}`, source: '<b>web</b>', kept: true, excerpt: HOSTILE.repeat(2), bytes: 240 },
          { id: 'web/hostile-2', source: 'web', kept: false, excerpt: `${HOSTILE} x ${HOSTILE}`, bytes: 243 },
        ],
      },
    ],
    settings: { bands: 14, rowsPerBand: 8, shingleWords: 5, threshold: 0.75 },
  };
  const share = (fraction: number, of: Volume): Volume => ({
    documents: Math.floor(of.documents * fraction),
    bytes: Math.floor(of.bytes * fraction),
  });
  return {
    schemaVersion: 1,
    corpusmillVersion: '0.1.0',
    pipeline: { name: 'quickstart', file: 'pipelines/quickstart.yaml', hash: '9f1c2ab87d3e4410', seed: 42 },
    inputs: [
      { name: 'addresses', format: 'text', files: 234, fileBytes: 10_112_870, documents: 234, badRecords: 0 },
      { name: 'mail', format: 'jsonl', files: 4, fileBytes: 31_220_448, documents: 9_412, badRecords: 3 },
      { name: 'web', format: 'parquet', files: 12, fileBytes: 48_701_223, documents: 30_120, badRecords: 2 },
      { name: 'chinese', format: 'csv', files: 1, fileBytes: 7_402_110, documents: 8_445, badRecords: 0 },
    ],
    stages,
    lengthsBefore: histogramOf(read, 3, [2, 6, 21, 60, 130, 260, 480, 700, 820, 640, 350, 160, 70, 22, 6, 2]),
    lengthsAfter: histogramOf(kept, 7, [14, 90, 290, 520, 690, 560, 310, 140, 60, 18, 4]),
    sources: {
      addresses: { input: share(0.005, read), output: share(0.008, kept) },
      mail: { input: share(0.195, read), output: share(0.14, kept) },
      web: { input: share(0.625, read), output: share(0.63, kept) },
      chinese: { input: share(0.175, read), output: share(0.222, kept) },
    },
    quarantine: {
      records: 5,
      byReason: { 'invalid JSON': 3, 'text is not a string': 1, 'truncated gzip': 1 },
      path: 'quarantine.jsonl',
    },
    barriers: [
      { name: 'dedup.exact', stage: 'dedup.exact', details: exact, artifacts: {} },
      { name: 'dedup.minhash', stage: 'dedup.minhash', details: near, artifacts: {} },
      {
        name: 'tokenizer',
        stage: 'tokenizer.train',
        details: { vocabularySize: 16_384, merges: 16_127, bytesPerToken: 4.213, specialTokens: ['<|endoftext|>'] },
        artifacts: { tokenizer: 'tokenizer' },
      },
    ],
    outputs: [
      {
        name: 'clean',
        stage: 'write.parquet',
        path: 'clean',
        files: 2,
        bytes: 41_290_011,
        details: { rows: kept.documents, compression: 'zstd', columns: ['id', 'text', 'meta'] },
      },
      {
        name: 'shards',
        stage: 'shards',
        path: 'shards',
        files: 4,
        bytes: 50_227_318,
        details: {
          tokens: 25_113_600,
          documents: kept.documents,
          contextLength: 2048,
          sequences: 12_262,
          paddingTokens: 1_204,
          truncatedDocuments: 0,
          dtype: 'uint16',
          manifest: 'shards/manifest.json',
        },
      },
    ],
  };
}

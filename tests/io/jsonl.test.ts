import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleFraction } from '../../src/core/random.ts';
import { textOf, textString } from '../../src/core/stored-text.ts';
import { readChunks, releaseChunk } from '../../src/io/chunks.ts';
import { compress } from '../../src/io/codecs.ts';
import { expandInputs } from '../../src/io/files.ts';
import type { Chunk } from '../../src/io/input.ts';
import { parseChunk } from '../../src/io/parse.ts';
import { describeWithShared, shared } from '../shared.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { inputSpec, readInput } from './fixture.ts';

function fileOf(content: string | Uint8Array, name = 'in.jsonl'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

describe('JSONL records', () => {
  it('takes text, id and the other columns; source is the input and a column of that name is kept aside', async () => {
    const path = fileOf('{"id":"a","text":"one","source":"crawl","n":3,"deep":{"x":[1]}}\n');
    const { documents } = await readInput(inputSpec(path));
    expect(documents).toEqual([
      { id: 'a', text: 'one', meta: { source: 'web', original_source: 'crawl', n: 3, deep: { x: [1] } } },
    ]);
  });

  it.each([
    ['none', {}],
    [['n', 'absent'], { n: 3 }],
  ])('keeps the columns that metaFields %j names', async (metaFields, expected) => {
    const path = fileOf('{"id":"a","text":"one","url":"u","n":3}\n');
    const { documents } = await readInput(inputSpec(path, { metaFields: metaFields as 'none' | string[] }));
    expect(documents[0].meta).toEqual({ source: 'web', ...expected });
  });

  it('makes an id from input, file and byte offset where there is none', async () => {
    const path = fileOf('{"text":"a"}\n{"id":null,"text":"b"}\n{"id":"","text":"c"}\n');
    const { documents } = await readInput(inputSpec(path));
    expect(documents.map((d) => d.id)).toEqual(['web/in.jsonl#0', 'web/in.jsonl#13', 'web/in.jsonl#36']);
  });

  it('turns numeric ids into text, also those no double can hold', async () => {
    const path = fileOf('{"id":7,"text":"a"}\n{"id":12345678901234567890,"text":"b"}\n{"id":1.5,"text":"c"}\n');
    const { documents, counters } = await readInput(inputSpec(path));
    expect(documents.map((d) => d.id)).toEqual(['7', '12345678901234567890', '1.5']);
    expect(counters.numericIds).toBe(3);
  });

  it('of conversations have as their text what is said, and the turns in meta', async () => {
    const path = fileOf(
      '{"id":"c","lang":"en","conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Ho\\ud800"}]}\n{"id":"d","text":"t"}\n',
    );
    const { documents, bad } = await readInput(inputSpec(path, { conversations: true }));
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Ho\ufffd' },
    ];
    expect(documents).toEqual([
      { id: 'c', text: 'Hi\nHo\ufffd', meta: { source: 'web', lang: 'en', conversation: { messages } } },
    ]);
    expect(bad.map(({ reason }) => reason)).toEqual(['not a conversation']);
  });

  it.each([
    ['text field missing', '{"id":"x","body":"t"}'],
    ['text is not a string', '{"text":5}'],
    ['text is not a string', '{"text":null}'],
    ['text is not a string', '{"text":{"a":1}}'],
    ['text is not a string', '{"text":["a"]}'],
    ['invalid JSON', '{"text":"a"'],
    ['invalid JSON', 'plain words'],
    ['not a JSON object', '[1,2]'],
    ['not a JSON object', 'null'],
    ['text field missing', '{"constructor":"x"}'],
  ])('quarantines, as "%s", %s', async (reason, line) => {
    const path = fileOf(`{"text":"before"}\n${line}\n{"text":"after"}\n`);
    const { documents, bad } = await readInput(inputSpec(path));
    expect(documents.map((d) => d.text)).toEqual(['before', 'after']);
    expect(bad).toEqual([
      {
        input: 'web',
        file: path,
        offset: 18,
        unit: 'byte',
        length: line.length,
        reason,
        detail: expect.any(String),
        excerpt: line,
      },
    ]);
  });

  it('treats text fields named like prototype members as missing', async () => {
    const { bad } = await readInput(inputSpec(fileOf('{"text":"a"}\n'), { textField: 'toString' }));
    expect(bad[0].reason).toBe('text field missing');
  });

  it('keeps __proto__ and constructor as harmless data', async () => {
    const path = fileOf('{"text":"a","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}\n');
    const { documents } = await readInput(inputSpec(path));
    const { meta } = documents[0];
    expect((meta as { admin?: boolean }).admin).toBeUndefined();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    expect(Object.keys(meta)).toEqual(['source', '__proto__', 'constructor']);
    expect(JSON.stringify(meta)).toContain('"__proto__":{"admin":true}');
  });

  it('keeps NUL, a leading U+FEFF and astral characters; the last of two equal keys wins', async () => {
    const path = fileOf('{"text":"first","text":"\\ufeffa\\u0000b \\ud83d\\ude00😀"}\n');
    const { documents, counters } = await readInput(inputSpec(path));
    expect(documents[0].text).toBe('\ufeffa\0b 😀😀');
    expect(counters.loneSurrogates).toBe(0);
  });

  it('replaces lone surrogates by U+FFFD everywhere and counts the documents', async () => {
    const path = fileOf('{"text":"a\\ud800b","k\\udc00":["\\uDfffz"]}\n{"text":"fine \\u00e9"}\n');
    const { documents, counters } = await readInput(inputSpec(path));
    expect(documents[0].text).toBe('a\ufffdb');
    expect(documents[0].meta).toEqual({ source: 'web', 'k\ufffd': ['\ufffdz'] });
    expect(counters.loneSurrogates).toBe(1);
  });

  it('replaces invalid UTF-8 as the Encoding Standard does and counts the documents', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"text":"a'),
      Buffer.from([0xff, 0xe4, 0xb8]),
      Buffer.from('b"}\n{"text":"é"}\n'),
    ]);
    const { documents, counters } = await readInput(inputSpec(fileOf(bytes)));
    expect(documents.map((d) => d.text)).toEqual(['a\ufffd\ufffdb', 'é']);
    expect(counters.invalidUtf8).toBe(1);
  });

  it('keeps the documents that the seeded hash of their id allows', async () => {
    const lines = Array.from({ length: 2000 }, (_, i) => `{"id":"d${i}","text":"t"}\n`).join('');
    const { documents } = await readInput(inputSpec(fileOf(lines), { sample: 0.1, seed: 9 }));
    const expected = Array.from({ length: 2000 }, (_, i) => `d${i}`).filter((id) => sampleFraction(9, id) < 0.1);
    expect(documents.map((d) => d.id)).toEqual(expected);
    expect(documents.length).toBeGreaterThan(140);
    expect(documents.length).toBeLessThan(260);
  });
});

describe('any line', () => {
  /** What JSON.parse makes of it: the text and the other columns, or why there is none. */
  function expectedOf(line: string): [text: string, rest: unknown] | 'bad' | 'blank' {
    if (/^[ \t\r]*$/.test(line)) return 'blank';
    try {
      const record = JSON.parse(line);
      if (record === null || typeof record !== 'object' || Array.isArray(record)) return 'bad';
      const { id: _, source: __, original_source: ___, text, ...rest } = record;
      if (!Object.hasOwn(record, 'text') || typeof text !== 'string') return 'bad';
      // Lone surrogates are replaced wherever they stand; keys have none here.
      const mended = JSON.stringify(rest, (_, value) => (typeof value === 'string' ? value.toWellFormed() : value));
      return [text.toWellFormed(), JSON.parse(mended)];
    } catch {
      return 'bad';
    }
  }

  async function expectAsParsed(lines: readonly string[]): Promise<void> {
    const { documents, bad } = await readInput(inputSpec(fileOf(lines.join('\n'))), 4096);
    const expected = lines.map(expectedOf);
    const good = expected.filter((each) => typeof each !== 'string');
    // As it is written: -0 is 0.
    const written = (meta: object) => JSON.parse(JSON.stringify(meta));
    expect(documents.map(({ text, meta: { source: _, original_source, ...rest } }) => [text, written(rest)])).toEqual(
      good,
    );
    expect(bad).toHaveLength(expected.filter((each) => each === 'bad').length);
    // As bytes they are what the strings say.
    for (const document of documents) expect(textString(textOf(document))).toBe(document.text);
  }

  const string = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc
      .array(
        fc.constantFrom(
          ...[
            'a',
            'word '.repeat(9),
            'é',
            '語料庫',
            '😀',
            '\\n',
            '\\"',
            '\\\\',
            '\\/',
            '\\u0000',
            '\\u00e9',
            '\\uD83d\\uDE00',
          ],
          ...['\\ud800', '\\udc00', '\\x', '\\u12', '\t', '\u0001', '"'],
        ),
        { maxLength: 12 },
      )
      .map((pieces) => `"${pieces.join('')}"`),
  );
  const value = fc.oneof(
    string,
    fc.constantFrom(
      '1',
      '-0.5e3',
      ...['-0', '0.0', '1.0', '-12', '0.1', '0.98234', '0.9823450267314911', '12345.678', '00.5', '1.', '.5', '- 1'],
      ...['999999999999999', '9007199254740993', '123456789012345678', '0.0000001', '0.00000123', '1E2', '1,'],
      ...[
        '"a\\u0008"',
        '"\\b\\t"',
        '[ 1 , [ "x" ] , {"k" : null , "k2": [ ]} ]',
        '{"b":1,"a":2,"b":3}',
        '{"7":1,"a":2}',
      ],
      'true',
      'null',
      '[]',
      '{}',
      '[1,{"text":"inner"}]',
      '{"a":["]}\\""]}',
      '01',
      'tru',
      '',
    ),
  );
  const space = fc.constantFrom('', '', '', ' ', '\t ', '\r');
  const key = fc.constantFrom(
    '"text"',
    '"text"',
    '"id"',
    '"n"',
    '"source"',
    '"original_source"',
    '"te\\u0078t"',
    '"__proto__"',
    '"1"',
    'n',
    '""',
  );
  const member = fc
    .tuple(space, key, space, fc.constantFrom(':', ':', ':', ':', ''), space, value, space)
    .map((parts) => parts.join(''));
  const comma = fc.constantFrom(',', ',', ',', ',', ',', ',,', ' ', ',}');
  const line = fc
    .tuple(
      space,
      fc.array(fc.tuple(member, comma), { maxLength: 4 }),
      member,
      fc.constantFrom('}', '}', '}', '', '},', '} 1'),
      space,
    )
    .map(
      ([before, more, last, close, after]) =>
        `${before}{${more.map((pair) => pair.join('')).join('')}${last}${close}${after}`,
    )
    .filter((text) => !text.includes('\n'));

  it('is what JSON.parse makes of it', async () => {
    await fc.assert(fc.asyncProperty(fc.array(line, { minLength: 40, maxLength: 120 }), expectAsParsed), {
      numRuns: 60,
    });
  });

  it('is so for numbers as other programs write them', async () => {
    const written = fc.double({ noNaN: true, noDefaultInfinity: true }).chain((value) => {
      const places = fc.nat(20).map((count) => value.toFixed(count));
      const digits = fc.integer({ min: 1, max: 21 }).map((count) => value.toPrecision(count));
      return fc.oneof(fc.constant(String(value)), places, digits).filter((text) => Number.isFinite(Number(text)));
    });
    const near = fc.double({ min: -2, max: 2, noNaN: true }).map((value) => String(value));
    const numbers = fc.array(fc.oneof(written, near), { minLength: 50, maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(numbers, (values) =>
        expectAsParsed(values.map((value) => `{"text": "t", "n": ${value}, "more": [${value}]}`)),
      ),
      { numRuns: 40 },
    );
  });

  it('is so with one character taken out, doubled or put elsewhere', async () => {
    const good =
      '{"id": "a", "text": "one \\"two\\" \\u00e9\\n 語 😀 and some more words to fill a block", "n": {"x": [1, "]"]}}';
    const units = [...good];
    const broken = units.flatMap((unit, i) => [
      units.toSpliced(i, 1),
      units.toSpliced(i, 0, unit),
      units.toSpliced(i, 1).toSpliced((7 * i) % units.length, 0, unit),
    ]);
    await expectAsParsed(broken.map((each) => each.join('')));
  });
});

describe('JSONL files', () => {
  it.each([
    ['CRLF line ends', '{"text":"a"}\r\n{"text":"b"}\r\n', [0, 14]],
    ['a byte order mark', '\ufeff{"text":"a"}\n{"text":"b"}\n', [3, 16]],
    ['no newline at the end', '{"text":"a"}\n{"text":"b"}', [0, 13]],
    ['blank lines', '\n  \n{"text":"a"}\n\n\t\r\n{"text":"b"}\n\n', [4, 21]],
    ['space before a record', ' {"text":"a"}\n{"text":"b"}\n', [0, 14]],
  ])('with %s', async (_, content, offsets) => {
    for (const chunkBytes of [1, 7, 20, 1000]) {
      const { documents, bad } = await readInput(inputSpec(fileOf(content)), chunkBytes);
      expect(bad).toEqual([]);
      expect(documents.map((d) => d.text)).toEqual(['a', 'b']);
      expect(documents.map((d) => Number(d.id.split('#')[1]))).toEqual(offsets);
    }
  });

  it.each(['', '\n', '\ufeff', '  \n\r\n'])('of nothing (%j) give nothing', async (content) => {
    const { documents, bad, chunks } = await readInput(inputSpec(fileOf(content)));
    expect([documents, bad, chunks]).toEqual([[], [], []]);
  });

  it('read a 50 MB line as a record like any other', async () => {
    const long = 'x'.repeat(50_000_000);
    const path = fileOf(`{"text":"before"}\n{"id":"long","text":"${long}"}\n{"text":"after"}\n`);
    const { documents, bad } = await readInput(inputSpec(path));
    expect(bad).toEqual([]);
    expect(documents.map((d) => d.text.length)).toEqual([6, 50_000_000, 5]);
  });

  it.each([10, 64, 4096])(
    'quarantine a record longer than maxRecordBytes and read on (chunks of %i)',
    async (chunkBytes) => {
      const long = `{"text":"${'x'.repeat(3000)}"}`;
      const path = fileOf(`{"text":"before"}\n${long}\n{"text":"after"}\n${long}`);
      const { documents, bad } = await readInput(inputSpec(path, { maxRecordBytes: 100 }), chunkBytes);
      expect(documents.map((d) => d.text)).toEqual(['before', 'after']);
      expect(bad.map((b) => [b.reason, b.offset, b.length])).toEqual([
        ['record too long', 18, long.length],
        ['record too long', 18 + long.length + 1 + 17, long.length],
      ]);
      expect(bad[0].excerpt.startsWith('{"text":"xxx')).toBe(true);
    },
  );

  it('count records exactly for limit, before sampling and with bad ones', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => (i % 10 === 3 ? 'bad' : `{"id":"d${i}","text":"t${i}"}`));
    const path = fileOf(lines.join('\n\n'));
    for (const chunkBytes of [16, 100, 100_000]) {
      for (const limit of [0, 1, 4, 57, 100, 1000]) {
        const { documents, bad } = await readInput(inputSpec(path, { limit }), chunkBytes);
        const seen = lines.slice(0, limit);
        expect(documents.length + bad.length, `limit ${limit}`).toBe(seen.length);
        expect(documents.map((d) => d.id)).toEqual(
          seen.flatMap((line) => (line === 'bad' ? [] : [JSON.parse(line).id])),
        );
      }
    }
  });

  it('apply limit over all files of an input', async () => {
    const folder = temporaryFolder();
    for (const name of ['a', 'b', 'c'])
      writeFileSync(join(folder, `${name}.jsonl`), `{"text":"${name}1"}\n{"text":"${name}2"}\n`);
    const { documents } = await readInput(inputSpec(folder, { limit: 3 }));
    expect(documents.map((d) => d.text)).toEqual(['a1', 'a2', 'b1']);
  });

  it.each(['gzip', 'zstd'] as const)('may really be %s whatever their name', async (kind) => {
    const path = fileOf(await compress(Buffer.from('{"text":"a"}\n'), kind), 'in.jsonl');
    const { documents } = await readInput(inputSpec(path));
    expect(documents.map((d) => d.text)).toEqual(['a']);
  });

  it.each(['gzip', 'zstd'] as const)(
    'cut off in the middle of %s give every whole record, then one bad one',
    async (kind) => {
      const lines = Array.from(
        { length: 60_000 },
        (_, i) => `{"id":"d${i}","text":"${(i * 2654435761) % 4294967296}"}`,
      );
      const whole = await compress(Buffer.from(lines.join('\n')), kind);
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'a.jsonl'), whole.subarray(0, whole.length >> 1));
      writeFileSync(join(folder, 'b.jsonl'), '{"id":"next","text":"file"}\n');
      const { documents, bad } = await readInput(inputSpec(folder), 100_000);
      const before = documents.length - 1;
      expect(before).toBeGreaterThan(20_000);
      expect(documents.map((d) => d.id)).toEqual([...lines.slice(0, before).map((l) => JSON.parse(l).id), 'next']);
      const offset = lines.slice(0, before).reduce((sum, line) => sum + line.length + 1, 0);
      expect(bad).toMatchObject([{ reason: `truncated ${kind}`, offset, unit: 'byte' }]);
    },
  );

  it('that are bombs are stopped and quarantined, and reading goes on', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.jsonl'), await compress(Buffer.alloc(80 * 1024 * 1024), 'gzip'));
    writeFileSync(join(folder, 'b.jsonl'), '{"text":"next"}\n');
    const { documents, bad } = await readInput(inputSpec(folder, { maxExpansionRatio: 100, maxRecordBytes: 1 << 30 }));
    expect(documents.map((d) => d.text)).toEqual(['next']);
    expect(bad).toMatchObject([{ reason: 'expansion limit' }]);
    expect(bad[0].detail).toContain('maxExpansionRatio');
  });

  it('that vanish, or turn out to be folders, are one bad record each', async () => {
    const folder = temporaryFolder();
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, `${name}.jsonl`), `{"text":"${name}"}\n`);
    const spec = inputSpec(folder);
    const files = await expandInputs([spec]);
    rmSync(join(folder, 'a.jsonl'));
    rmSync(join(folder, 'b.jsonl'));
    mkdirSync(join(folder, 'b.jsonl'));
    const chunks: Chunk[] = [];
    for await (const chunk of readChunks(files, [spec], { chunkBytes: 1000 })) chunks.push(chunk);
    expect(chunks).toMatchObject([
      { kind: 'bad', bad: { reason: 'unreadable file', detail: expect.stringContaining('ENOENT'), unit: 'file' } },
      { kind: 'bad', bad: { reason: 'unreadable file', unit: 'file' } },
      { kind: 'bytes' },
    ]);
  });

  it('stop with INTERRUPTED when the signal is aborted', async () => {
    const spec = inputSpec(fileOf('{"text":"a"}\n'.repeat(100)));
    const abort = new AbortController();
    const reading = (async () => {
      for await (const _ of readChunks(await expandInputs([spec]), [spec], { chunkBytes: 50, signal: abort.signal })) {
        abort.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('readChunks', () => {
  it('gives whole records in SharedArrayBuffers of about chunkBytes', async () => {
    const path = fileOf(Array.from({ length: 5000 }, (_, i) => `{"text":"${'y'.repeat(i % 300)}"}\n`).join(''));
    const { chunks } = await readInput(inputSpec(path), 10_000);
    expect(chunks.length).toBeGreaterThan(50);
    for (const chunk of chunks) {
      if (chunk.kind !== 'bytes') throw new Error('expected bytes');
      expect(chunk.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(chunk.bytes.at(-1)).toBe(0x0a);
      expect(chunk.bytes.length).toBeLessThanOrEqual(10_000);
    }
    const accounted = chunks.reduce((sum, chunk) => sum + chunk.fileBytes, 0);
    expect(accounted).toBe((await expandInputs([inputSpec(path)]))[0].bytes);
  });

  it('fills the buffers of released chunks again, without mixing up what is still being read', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `{"text":"${i} ${'z'.repeat((i * 7919) % 500)}"}`);
    const spec = inputSpec(fileOf(lines.join('\n')));
    const texts: string[] = [];
    const buffers = new Set<ArrayBufferLike>();
    const waiting: Chunk[] = [];
    const finish = async (chunk: Chunk): Promise<void> => {
      if (chunk.kind === 'bytes') buffers.add(chunk.bytes.buffer);
      await parseChunk(
        chunk,
        [spec],
        (document) => texts.push(document.text),
        () => {},
      );
      releaseChunk(chunk);
    };
    let chunks = 0;
    for await (const chunk of readChunks(await expandInputs([spec]), [spec], { chunkBytes: 8192 })) {
      chunks++;
      waiting.push(chunk);
      if (waiting.length > 3) await finish(waiting.shift() as Chunk);
    }
    for (const chunk of waiting) await finish(chunk);
    expect(texts).toEqual(lines.map((line) => JSON.parse(line).text));
    expect(chunks).toBeGreaterThan(50);
    expect(buffers.size).toBeLessThan(10);
  });

  it('reads every record exactly once, in order, for any chunk size and compression', async () => {
    const record = fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 40 }), n: fc.integer() });
    const line = fc.oneof(
      record.map((value) => JSON.stringify(value)),
      fc.constantFrom('', '  ', '{"text":3}', 'oops', '{"text":"\\ud800"}'),
    );
    const lineEnd = fc.constantFrom('\n', '\r\n');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(line, lineEnd), { maxLength: 60 }),
        fc.integer({ min: 1, max: 400 }),
        fc.constantFrom('none', 'gzip', 'zstd'),
        fc.boolean(),
        async (lines, chunkBytes, kind, bom) => {
          const content = (bom ? '\ufeff' : '') + lines.map(([text, end]) => text + end).join('');
          const path = fileOf(await compress(Buffer.from(content), kind as 'none'));
          const { documents, bad } = await readInput(inputSpec(path), chunkBytes);
          // The reference: split and parse, as one would by hand.
          const texts: string[] = [];
          let problems = 0;
          for (const [text] of lines) {
            if (text.trim() === '') continue;
            try {
              const value = JSON.parse(text).text;
              if (typeof value === 'string') texts.push(value.toWellFormed());
              else problems++;
            } catch {
              problems++;
            }
          }
          expect(documents.map((d) => d.text)).toEqual(texts);
          expect(bad.length).toBe(problems);
          expect(new Set(documents.map((d) => d.id)).size).toBe(documents.length);
          rmSync(path);
        },
      ),
      { numRuns: 120 },
    );
  });
});

describeWithShared('JSONL on real text', () => {
  it('gives the 20,781 rows of web-mix with their ids, text and columns', async () => {
    const { documents, bad } = await readInput(inputSpec(shared('data/web-mix.jsonl.gz')));
    expect(documents.length).toBe(20_781);
    expect(bad).toEqual([]);
    expect(Object.keys(documents[0].meta)).toEqual(
      expect.arrayContaining(['source', 'url', 'original_source', 'lang', 'kind', 'licence', 'group']),
    );
  });
});

describe('parseChunk', () => {
  it('hands a bad chunk on as it is', async () => {
    const bad = {
      input: 'web',
      file: 'f',
      offset: 0,
      unit: 'file',
      length: 1,
      reason: 'r',
      detail: 'd',
      excerpt: '',
    } as const;
    const chunk: Chunk = { kind: 'bad', input: 0, file: 'f', relativePath: 'f', fileBytes: 0, bad };
    const seen: unknown[] = [];
    await parseChunk(
      chunk,
      [inputSpec('f')],
      () => {},
      (record) => seen.push(record),
    );
    expect(seen).toEqual([bad]);
  });
});

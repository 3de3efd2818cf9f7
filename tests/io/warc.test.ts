import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compress } from '../../src/io/codecs.ts';
import { inspectFile, readRows } from '../../src/io/inspect.ts';
import { describeWithShared, shared } from '../shared.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { inputSpec, readInput } from './fixture.ts';

// ---- files made here --------------------------------------------------------------------------------------------------

type Body = string | Uint8Array;

function warcRecord(type: string, url: string, content: Body, fields: Record<string, string> = {}): Buffer {
  const bytes = Buffer.from(content);
  const head = {
    'WARC-Type': type,
    'WARC-Record-ID': `<urn:test:${type}:${url}>`,
    'WARC-Target-URI': url,
    'WARC-Date': '2024-05-06T07:08:09Z',
    'Content-Type': type === 'response' ? 'application/http; msgtype=response' : 'text/plain',
    'Content-Length': String(bytes.length),
    ...fields,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`WARC/1.0\r\n${lines.join('')}\r\n`), bytes, Buffer.from('\r\n\r\n')]);
}

function http(body: Body, fields: Record<string, string> = {}, status = 200): Buffer {
  const head = Object.entries({ 'Content-Type': 'text/html', ...fields }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} OK\r\n${head.join('')}\r\n`), Buffer.from(body)]);
}

const page = (n: number): Buffer => warcRecord('response', `http://a.org/${n}`, http(`<p>page ${n}</p>`));

async function read(bytes: Uint8Array, name = 'a.warc', changes = {}, chunkBytes = 4 * 1024 * 1024) {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return readInput(inputSpec(path, changes), chunkBytes);
}

const one = async (content: Body, changes = {}) =>
  await read(warcRecord('response', 'http://a.org/', content), 'a.warc', changes);

// ---- specification ----------------------------------------------------------------------------------------------------

it('a response becomes a document: its page, record id, address, date, type', async () => {
  const { documents, bad } = await read(page(1));
  expect(bad).toEqual([]);
  expect(documents).toEqual([
    {
      id: 'urn:test:response:http://a.org/1',
      text: '<p>page 1</p>',
      meta: {
        source: 'web',
        url: 'http://a.org/1',
        date: '2024-05-06T07:08:09Z',
        contentType: 'text/html',
        warcType: 'response',
        status: 200,
        charset: 'utf-8',
      },
    },
  ]);
});

it('idField: url makes the address the id', async () => {
  const { documents } = await read(page(1), 'a.warc', { idField: 'url' });
  expect(documents[0].id).toBe('http://a.org/1');
  expect(documents[0].meta['id']).toBe('urn:test:response:http://a.org/1');
});

it('what is no document is skipped and counted by why', async () => {
  const file = Buffer.concat([
    warcRecord('warcinfo', '', 'software: test'),
    warcRecord('request', 'http://a.org/', 'GET / HTTP/1.1\r\n\r\n', {
      'Content-Type': 'application/http; msgtype=request',
    }),
    warcRecord('response', 'http://a.org/x', http('gone', {}, 404)),
    warcRecord('response', 'http://a.org/i', http('GIF89a', { 'Content-Type': 'image/gif' })),
    warcRecord('response', 'dns:a.org', '20240506\na.org. 1 IN A 1.2.3.4', { 'Content-Type': 'text/dns' }),
    warcRecord('response', 'http://a.org/e', http('')),
    warcRecord('conversion', 'http://a.org/', 'text of a WET record'),
  ]);
  const { documents, counters, bad } = await read(file);
  expect(bad).toEqual([]);
  expect(documents.map((document) => document.text)).toEqual(['text of a WET record']);
  expect(counters.skipped).toEqual({
    'type: warcinfo': 1,
    'type: request': 1,
    'status: 404': 1,
    'content type: image/gif': 1,
    'content type: text/dns': 1,
    'empty body': 1,
  });
});

it('the warc options choose status, content types and record types', async () => {
  const records = ['response'] as const;
  const file = Buffer.concat([
    warcRecord('response', 'http://a.org/x', http('gone', {}, 404)),
    warcRecord('response', 'http://a.org/j', http('{}', { 'Content-Type': 'application/json' })),
    warcRecord('conversion', 'http://a.org/', 'WET'),
  ]);
  const texts = async (status: 'any' | number[]) =>
    (
      await read(file, 'a.warc', { warc: { records, status, contentTypes: ['text/html', 'application/json'] } })
    ).documents.map((d) => d.text);
  expect(await texts('any')).toEqual(['gone', '{}']);
  expect(await texts([404])).toEqual(['gone']);
});

it.each([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
])('content encoding %s is undone', async (coding, encode) => {
  const { documents } = await one(
    http(encode(Buffer.from('<p>coded, and long enough to be coded: é</p>')), { 'Content-Encoding': coding }),
  );
  expect(documents[0].text).toBe('<p>coded, and long enough to be coded: é</p>');
});

it('a body stored decoded under a header that says gzip or chunked stays as it is', async () => {
  const { documents } = await one(http('<p>plain</p>', { 'Content-Encoding': 'gzip', 'Transfer-Encoding': 'chunked' }));
  expect(documents[0].text).toBe('<p>plain</p>');
});

it('chunks are joined, extensions and trailers ignored (RFC 9112, 7.1)', async () => {
  const { documents } = await one(
    http('4;x=y\r\n<p>a\r\nA\r\nbcdefg</p>\r\n0\r\nTrailer: t\r\n\r\n', { 'Transfer-Encoding': 'chunked' }),
  );
  expect(documents[0].text).toBe('<p>abcdefg</p>');
});

it('a body that expands beyond maxRecordBytes, or is corrupt, is quarantined', async () => {
  const bomb = await one(http(gzipSync(Buffer.alloc(2_000_000, 97)), { 'Content-Encoding': 'gzip' }), {
    maxRecordBytes: 100_000,
  });
  expect(bomb.bad.map((record) => record.reason)).toEqual(['expansion limit']);
  const whole = gzipSync(Buffer.from('text '.repeat(1000)));
  whole[15] ^= 0xff;
  const corrupt = await one(http(whole, { 'Content-Encoding': 'gzip' }));
  expect(corrupt.bad.map((record) => record.reason)).toEqual(['corrupt content encoding']);
});

it.each([
  // [bytes in hexadecimal, HTTP charset, expected]; bytes from iconv
  ['中文', 'd6d0cec4', 'gb2312'],
  ['中文', 'a4a4a4e5', 'big5'],
  ['日本', '93fa967b', 'shift_jis'],
  ['Привет', 'cff0e8e2e5f2', 'windows-1251'],
  ['café “x”', '636166e920937894', 'iso-8859-1'],
  ['한글', 'c7d1b1db', 'euc-kr'],
])('%s is decoded from %s by the HTTP charset %s, and by a meta', async (text, hex, charset) => {
  const bytes = Buffer.from(hex, 'hex');
  const byHeader = await one(http(bytes, { 'Content-Type': `text/html; charset=${charset}` }));
  expect(byHeader.documents[0].text).toBe(text);
  const byMeta = await one(
    http(Buffer.concat([Buffer.from(`<meta http-equiv=x content="text/html; charset=${charset}">`), bytes])),
  );
  expect(byMeta.documents[0].text.endsWith(text)).toBe(true);
});

it('a byte order mark and valid UTF-8 are believed before the header', async () => {
  const header = { 'Content-Type': 'text/html; charset=iso-8859-1' };
  expect((await one(http('<p>中é</p>', header))).documents[0].text).toBe('<p>中é</p>');
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<p>é</p>', 'utf16le')]);
  expect((await one(http(utf16, header))).documents[0].text).toBe('<p>é</p>');
});

it('undeclared Chinese, Japanese and Korean encodings are told by their common characters', async () => {
  const gbk = Buffer.from(
    'ced2c3c7d4dad5e2c0efbfb4b5bdc1cbd2bbb8f6d0c2b5c4cac0bde7a1a3c8cbc3c7b6bccbb5d5e2cac7bac3b5c4a1a3',
    'hex',
  );
  const { documents } = await one(http(Buffer.concat([Buffer.from('<p>'), gbk])));
  expect(documents[0].text).toBe('<p>我们在这里看到了一个新的世界。人们都说这是好的。');
});

it('a record whose length is wrong, cut off, or missing is quarantined, and reading goes on at the next', async () => {
  const wrong = warcRecord('response', 'http://a.org/w', http('<p>w</p>'), { 'Content-Length': '9' });
  const huge = warcRecord('response', 'http://a.org/h', http('<p>h</p>'), { 'Content-Length': '999999999999' });
  const none = warcRecord('response', 'http://a.org/n', http('<p>n</p>'), { 'Content-Length': 'x' });
  const garbage = Buffer.from('garbage\r\nmore garbage\r\n');
  const parts = [page(1), wrong, page(2), huge, page(3), none, page(4), garbage, page(5), page(6).subarray(0, 250)];
  const starts = parts.map((_, i) => Buffer.concat(parts.slice(0, i)).length);
  for (const chunkBytes of [64, 300, 1000, 1 << 20]) {
    const { documents, bad } = await read(Buffer.concat(parts), 'a.warc', { maxRecordBytes: 10_000 }, chunkBytes);
    expect(documents.map((document) => document.text)).toEqual([1, 2, 3, 4, 5].map((n) => `<p>page ${n}</p>`));
    expect(bad.map(({ reason, offset }) => [reason, offset])).toEqual([
      ['wrong content length', starts[1]],
      [expect.stringMatching(/^(?:record too long|truncated record)$/), starts[3]],
      ['no content length', starts[5]],
      ['not a WARC record', starts[7]],
      ['truncated record', starts[9]],
    ]);
  }
});

it('a WARC inside a record is content', async () => {
  const inner = Buffer.concat([page(7), page(8)]);
  const file = Buffer.concat([warcRecord('resource', 'http://a.org/in.warc', inner), page(9)]);
  const { documents, bad } = await read(file);
  expect(bad).toEqual([]);
  expect(documents.map((document) => document.text)).toEqual([inner.toString(), '<p>page 9</p>']);
});

it('gives every record once for any chunk size and compression', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.integer({ min: 16, max: 5000 }),
      fc.constantFrom('', '.gz', '.zst'),
      async (lengths, chunkBytes, end) => {
        const parts = lengths.map((length, n) =>
          warcRecord('response', `http://a.org/${n}`, http(`${n}:${'x'.repeat(length)}`)),
        );
        const coded =
          end === '' ? parts : await Promise.all(parts.map((part) => compress(part, end === '.gz' ? 'gzip' : 'zstd')));
        const { documents, bad } = await read(Buffer.concat(coded), `a.warc${end}`, {}, chunkBytes);
        expect(bad).toEqual([]);
        expect(documents.map((document) => document.text)).toEqual(
          lengths.map((length, n) => `${n}:${'x'.repeat(length)}`),
        );
      },
    ),
    { numRuns: 60 },
  );
});

it('limit counts records that may be documents', async () => {
  const file = Buffer.concat([warcRecord('warcinfo', '', 'x'), page(1), page(2), page(3)]);
  expect((await read(file, 'a.warc', { limit: 2 })).documents).toHaveLength(2);
});

it.each([
  ['in its data', (member: Buffer) => (member[Math.floor(member.length / 2)] ^= 0xff)],
  ['in its checksum', (member: Buffer) => (member[member.length - 6] ^= 0xff)],
  ['in its header', (member: Buffer) => (member[2] = 0)],
])('a gzip member damaged %s costs its own record only', async (_, damage) => {
  const long = (n: number) =>
    warcRecord('response', `http://a.org/${n}`, http(`<p>${n} ${'lorem ipsum dolor '.repeat(n * 50)}</p>`));
  const members = [1, 2, 3, 4, 5].map((n) => gzipSync(long(n)));
  damage(members[2]);
  const { documents, bad } = await read(Buffer.concat(members), 'a.warc.gz');
  expect(documents.map((document) => document.meta['url'])).toEqual([1, 2, 4, 5].map((n) => `http://a.org/${n}`));
  expect(bad.map((record) => record.reason)).toEqual(['corrupt gzip']);
  expect(bad[0].detail).toContain(
    `reading goes on at byte ${members.slice(0, 3).reduce((sum, m) => sum + m.length, 0)}`,
  );
});

it('ARC records of version 1 and 2 are responses; addresses may hold spaces', async () => {
  const body = http('<p>arc</p>').toString();
  const file = [
    'filedesc://x.arc 0.0.0.0 20010101000000 text/plain 20\n1 0 Test\nURL IP-add\n',
    `http://a.org/a b 1.2.3.4 20140216050221 text/html ${body.length}\n${body}\n`,
    `http://a.org/2 1.2.3.4 20140216050221 text/html 200 - - 5 x.arc ${body.length}\n${body}\n`,
  ].join('\n');
  const { documents, bad } = await read(Buffer.from(file), 'x.arc');
  expect(bad).toEqual([]);
  expect(documents.map(({ meta }) => [meta['url'], meta['date']])).toEqual([
    ['http://a.org/a b', '2014-02-16T05:02:21Z'],
    ['http://a.org/2', '2014-02-16T05:02:21Z'],
  ]);
});

it('inspect tells web archives by their bytes and shows their documents', async () => {
  const path = join(temporaryFolder(), 'archive.bin');
  writeFileSync(path, gzipSync(Buffer.concat([warcRecord('warcinfo', '', 'x'), page(1), page(2)])));
  expect(await inspectFile(path)).toMatchObject({ format: 'warc', compression: 'gzip' });
  const rows: unknown[] = [];
  for await (const row of readRows(path, { offset: 1, limit: 5 })) rows.push(row);
  expect(rows).toMatchObject([
    { id: 'urn:test:response:http://a.org/2', url: 'http://a.org/2', text: '<p>page 2</p>' },
  ]);
});

describeWithShared('real archives', () => {
  /** Documents by warcio 1.8.1 (ArchiveIterator, arc2warc): 2xx responses, resources and conversions of text types. */
  const WARCIO: Record<string, number> = {
    'allenai__dolma/sample-0000.warc.gz': 24,
    'allenai__dolma/sample-0001.warc.gz': 17,
    'archivesunleashed__aut/example.docs.warc.gz': 0,
    'archivesunleashed__aut/example.txt.warc.gz': 1,
    'archivesunleashed__aut/example.warc.gz': 129,
    'archivesunleashed__aut/issue-493.warc': 4,
    'archivesunleashed__aut/issue-514.warc': 3,
    'commoncrawl__whirlwind-python/whirlwind.warc': 1,
    'commoncrawl__whirlwind-python/whirlwind.warc.gz': 1,
    'commoncrawl__whirlwind-python/whirlwind.warc.wat': 0,
    'commoncrawl__whirlwind-python/whirlwind.warc.wat.gz': 0,
    'commoncrawl__whirlwind-python/whirlwind.warc.wet': 1,
    'commoncrawl__whirlwind-python/whirlwind.warc.wet.gz': 1,
    'iipc__jwarc/cc.warc.gz': 1,
    'iipc__jwarc/gzip_extra_sl.warc.gz': 0,
    'webrecorder__warcio/example-digest.warc': 0,
    'webrecorder__warcio/example-iana.org-chunked.warc': 1,
    'webrecorder__warcio/example-resource.warc.gz': 1,
    'webrecorder__warcio/example-space-in-target-uri.warc.gz': 0,
    'webrecorder__warcio/example-wget-bad-target-uri.warc.gz': 3,
    'webrecorder__warcio/example.arc': 1,
    'webrecorder__warcio/example.arc.gz': 1,
    'webrecorder__warcio/example.warc': 1,
    'webrecorder__warcio/example.warc.gz': 1,
    'webrecorder__warcio/post-test.warc.gz': 0,
  };

  it.each(Object.entries(WARCIO))('%s holds %i documents, as warcio says, and nothing bad', async (file, count) => {
    const { documents, bad } = await readInput(
      inputSpec(shared(`data/warc-samples/${file}`), { format: 'warc' }),
      64 * 1024,
    );
    expect(bad).toEqual([]);
    expect(documents).toHaveLength(count);
    expect(new Set(documents.map((document) => document.id)).size).toBe(count);
  });

  it.each([
    // warcio stops at these two with an error; both hold one good response of example.com.
    ['webrecorder__warcio/example-bad-non-chunked.warc.gz', 1, []],
    ['webrecorder__warcio/example-wrong-chunks.warc.gz', 1, []],
    ['archivesunleashed__aut/badexample.arc.gz', 0, ['wrong content length', 'truncated record', 'truncated record']],
    ['webrecorder__warcio/bad.arc', 0, ['no content length', 'no content length', 'no content length']],
    ['webrecorder__warcio/example-space-in-url.arc', 0, ['truncated record']],
    ['webrecorder__warcio/example-trunc.warc', 0, ['wrong content length']],
  ])('%s, broken on purpose, gives %i documents and quarantines %j', async (file, count, reasons) => {
    const { documents, bad } = await readInput(inputSpec(shared(`data/warc-samples/${file}`)));
    expect(documents).toHaveLength(count);
    expect(bad.map((record) => record.reason)).toEqual(reasons);
    expect(bad.every((record) => basename(record.file) === basename(file))).toBe(true);
  });

  it('one file gives the same documents plain and gzipped', async () => {
    const of = async (name: string) =>
      (await readInput(inputSpec(shared(`data/warc-samples/commoncrawl__whirlwind-python/${name}`)))).documents;
    expect(await of('whirlwind.warc.gz')).toEqual(await of('whirlwind.warc'));
    const wet = await of('whirlwind.warc.wet');
    const raw = readFileSync(shared('data/warc-samples/commoncrawl__whirlwind-python/whirlwind.warc.wet'), 'utf8');
    expect(raw).toContain(wet[0].text);
  });
});

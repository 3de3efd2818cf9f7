/** Folders of a browser: files that were chosen, and addresses. Node has the same Blob and fetch. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBytes, readFileOf } from '../../src/io/byte-source.ts';
import { blobFolder, blobSource, type NamedBlob, webFolder } from '../../src/io/web-folder.ts';

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);

function chosen(name: string, content: string, path = ''): NamedBlob {
  return Object.assign(new Blob([content]), { name, webkitRelativePath: path });
}

describe('chosen files', () => {
  it('are read by name, and in pieces', async () => {
    const folder = blobFolder([
      chosen('config.json', '{}', 'tiny/config.json'),
      chosen('a.bin', '0123456789', 'tiny/a.bin'),
    ]);
    expect(folder.name).toBe('tiny');
    expect(folder.pathOf('b.bin')).toBe('tiny/b.bin');
    expect(text(await readFileOf(folder, 'config.json'))).toBe('{}');
    expect(await folder.open('b.bin')).toBeUndefined();
    const source = (await folder.open('a.bin'))!;
    expect(source.byteLength).toBe(10);
    expect(text(await readBytes(source, 3, 4))).toBe('3456');
  });

  it('that end early are damaged', async () => {
    const source = blobSource('a.bin', new Blob(['0123']));
    await expect(readBytes(source, 2, 4)).rejects.toThrow('reading a.bin: it ended while it was read, at byte 4');
  });

  it('of one name in two folders are refused', () => {
    const two = [
      chosen('config.json', '{}', 'models/a/config.json'),
      chosen('config.json', '{}', 'models/b/config.json'),
    ];
    expect(() => blobFolder(two)).toThrow(
      'two of the files are called config.json: models/a/config.json and models/b/config.json',
    );
  });
});

describe('an address', () => {
  let server: Server;
  let base: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      switch (request.url) {
        case '/model/config.json':
          response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1}');
          return;
        case '/model/large.bin':
          response.writeHead(200, { 'content-length': '300000' }).end(Buffer.alloc(300_000, 7));
          return;
        case '/model/page.json':
          response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>');
          return;
        case '/model/secret.json':
          response.writeHead(403).end();
          return;
        default:
          response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is a folder with or without a slash at its end', async () => {
    for (const address of [base, `${base}/`]) {
      expect(text(await readFileOf(webFolder(address), 'config.json'))).toBe('{"a":1}');
    }
    expect(webFolder(base).pathOf('x.bin')).toBe(`${base}/x.bin`);
  });

  it('has not what the server does not have, nor what it answers with a page', async () => {
    expect(await webFolder(base).open('none.json')).toBeUndefined();
    expect(await webFolder(base).open('page.json')).toBeUndefined();
  });

  it('tells how much has come', async () => {
    const heard: [string, number, number | undefined][] = [];
    const folder = webFolder(base, { onProgress: (...values) => void heard.push(values) });
    const source = (await folder.open('large.bin'))!;
    expect(heard.at(-1)).toEqual(['large.bin', 300_000, 300_000]);
    expect(await readBytes(source, 299_998, 2)).toEqual(Uint8Array.of(7, 7));
  });

  it('says what went wrong, and where', async () => {
    await expect(webFolder(base).open('secret.json')).rejects.toThrow(
      `fetching ${base}/secret.json: the server answers 403 Forbidden`,
    );
    const nobody = 'http://127.0.0.1:9/model/';
    await expect(webFolder(nobody).open('config.json')).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining(`fetching ${nobody}config.json: `),
      hint: expect.stringContaining('CORS'),
    });
  });

  it('is interrupted', async () => {
    const folder = webFolder(base, { signal: AbortSignal.abort() });
    await expect(folder.open('large.bin')).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

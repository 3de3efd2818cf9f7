/**
 * A headless Chromium for tests of pages, and a server of their files. Where none is installed (Debian: `apt-get install
 * chromium`; another place: CORPUSMILL_CHROMIUM) these tests are skipped and say so.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { describe } from 'vitest';

const KNOWN = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const given = process.env['CORPUSMILL_CHROMIUM'];
const found = given === undefined ? KNOWN.find((path) => existsSync(path)) : given;

/** `describe`, skipped with a reason in its title where there is no Chromium. */
export const describeWithChromium =
  found === undefined
    ? (name: string, _: () => void) => describe.skip(`${name} (skipped: no Chromium)`, () => {})
    : (name: string, tests: () => void) => describe(name, tests);

/** Software WebGPU has to be asked for; a sandbox cannot be had by root, as containers run. */
export function launchChromium(options: { webgpu: boolean }): Promise<Browser> {
  const args = ['--no-sandbox', ...(options.webgpu ? ['--enable-unsafe-webgpu'] : [])];
  return chromium.launch({ executablePath: found!, headless: true, args });
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

/** Serves a folder on localhost, whose pages are safe ones: only they have WebGPU. */
export async function serveFolder(folder: string): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://localhost').pathname));
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    if (!existsSync(file) || statSync(file).isDirectory()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

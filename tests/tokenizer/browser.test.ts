/** `corpusmill/tokenizer` as a browser has it: bundled for one, and run where there is nothing of Node. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/core/browser/sha256.ts';
import { packageRoot } from '../../src/core/package-root.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { blocksOf, pageText } from '../docs/blocks.ts';
import { describeWithShared, shared } from '../shared.ts';
import { byteTokenizer } from './byte-tokenizer.ts';

const BUNDLE = join(packageRoot(), 'dist', 'browser', 'tokenizer.js');
/** What tokenizers may use of a browser. */
const globals = () => ({ TextEncoder, TextDecoder });

let folder: string;
let script: string;
beforeAll(async () => {
  if (!existsSync(BUNDLE)) throw new Error(`no ${BUNDLE}: this test runs what is built, \`npm run build\` first`);
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-browser-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(packageRoot(), join(folder, 'node_modules', 'corpusmill'));
  // As a page's own bundler meets it.
  script = await bundled("import { Tokenizer } from 'corpusmill/tokenizer'; globalThis.Tokenizer = Tokenizer;");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A module bundled for browsers into one script without imports. */
async function bundled(source: string): Promise<string> {
  const input = join(folder, 'page.js');
  writeFileSync(input, source);
  const bundle = await rolldown({ input, cwd: folder, platform: 'browser', logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'iife' });
  await bundle.close();
  expect(output).toHaveLength(1);
  return output[0].code;
}

/** The class, made in a context that has nothing of Node; JSON goes in as text, so that its objects are that context's. */
function inBrowser(): { fromJson(text: string): Tokenizer; fromFile: typeof Tokenizer.fromFile } {
  const context = createContext(globals());
  runInContext(script, context);
  return {
    fromJson: (text) => runInContext(`Tokenizer.fromJson(JSON.parse(${JSON.stringify(text)}))`, context) as Tokenizer,
    fromFile: runInContext('Tokenizer.fromFile', context) as typeof Tokenizer.fromFile,
  };
}

describe('the tokenizer in a browser', () => {
  it('encodes and decodes as in Node, and has the same hash', () => {
    const json = JSON.stringify(byteTokenizer([]).toJson());
    const here = Tokenizer.fromJson(JSON.parse(json));
    const there = inBrowser().fromJson(json);
    for (const text of ['', 'Hello', 'naïve 世界 👩‍👩‍👧', 'a\ud800b', ' \r\n\t']) {
      expect([...there.encode(text)]).toEqual([...here.encode(text)]);
      expect(there.decode(here.encode(text))).toBe(text.toWellFormed());
    }
    expect(there.hash).toBe(here.hash);
    expect(there.vocabSize).toBe(here.vocabSize);
  });

  it('throws its own errors, and says that there are no files', async () => {
    const there = inBrowser();
    expect(() => there.fromJson('{"model":{"type":"WordPiece"}}')).toThrow('the model type is "WordPiece"');
    await expect(there.fromFile('tokenizer.json')).rejects.toThrow('there are no files in a browser');
  });

  it('is one module without imports, of the size that its page says', () => {
    const code = readFileSync(BUNDLE, 'utf8');
    const [, said, compressed] = /imports, about (\d+) kB, (\d+) kB compressed/.exec(
      pageText('docs/tokenizer-in-the-browser.md'),
    )!;
    expect(code.length / 1000 / Number(said)).toBeCloseTo(1, 0.5);
    expect(gzipSync(code).length / 1000 / Number(compressed)).toBeCloseTo(1, 0.5);
    expect(code).not.toMatch(/\bimport\b[^.]*["']|\brequire\b|\bprocess\.|\bBuffer\b/);
  });
});

describe('SHA-256 without Node', () => {
  it('is that of FIPS 180-4', () => {
    const of = (text: string) => sha256Hex(new TextEncoder().encode(text));
    expect(of('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(of('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('is that of node:crypto, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(sha256Hex(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'));
      }),
    );
  });
});

describeWithShared('Qwen2.5 in a browser', () => {
  const text = gunzipSync(readFileSync(shared('data/qwen-tokenizer/tokenizer.json.gz'))).toString();

  it('gives the reference ids of 43 hard texts and 372 web documents', () => {
    const qwen = inBrowser().fromJson(text);
    const rows = (source: string) =>
      source
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { text: string; ids?: number[]; ids_hf_js?: number[] });
    const vectors = [
      ...rows(readFileSync(shared('data/qwen-tokenizer/vectors-llamacpp-qwen2.jsonl'), 'utf8')),
      ...rows(gunzipSync(readFileSync(shared('data/qwen-tokenizer/vectors-webmix.jsonl.gz'))).toString()),
    ];
    expect(vectors).toHaveLength(415);
    for (const { text: given, ids, ids_hf_js } of vectors)
      expect([...qwen.encode(given)], given).toEqual(ids ?? ids_hf_js);
  });
});

describe('the page of docs/tokenizer-in-the-browser.md', () => {
  it('shows tokens as somebody types', async () => {
    const page = blocksOf('docs/tokenizer-in-the-browser.md').find(({ language }) => language === 'html')!.text;
    const [, module] = /<script type="module">([\s\S]*?)<\/script>/.exec(page)!;
    const code = await bundled(module.replace("'./tokenizer.js'", "'corpusmill/tokenizer'"));
    const json = JSON.stringify(byteTokenizer([]).toJson());
    const listeners: (() => void)[] = [];
    const elements: Record<string, { value: string; textContent: string; addEventListener?: unknown }> = {
      textarea: {
        value: '',
        textContent: '',
        addEventListener: (_: string, listener: () => void) => listeners.push(listener),
      },
      output: { value: '', textContent: '' },
    };
    const context = createContext({
      ...globals(),
      fetch: async () => ({ json: async () => JSON.parse(json) }),
      document: { querySelector: (name: string) => elements[name] },
    });
    runInContext(code, context);
    await new Promise((resolve) => setTimeout(resolve));
    elements['textarea'].value = 'Hé';
    for (const listener of listeners) listener();
    expect(listeners.length).toBeGreaterThan(0);
    const ids = [...Tokenizer.fromJson(JSON.parse(json)).encode('Hé')];
    expect(elements['output'].textContent).toBe(`3 tokens: ${ids.join(' ')}`);
  });
});

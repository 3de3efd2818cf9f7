/** The page of examples/browser in a headless Chromium: as somebody would use it, and against what Node computes. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { writeCheckpoint } from '../../src/models/checkpoint/write.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { tokenizerJsonText } from '../../src/tokenizer/tokenizer.ts';
import type * as BrowserEntry from '../../src/training/browser/index.ts';
import { createGenerator } from '../../src/training/generation/generator.ts';
import { generateTexts } from '../../src/training/generation/text-generator.ts';
import type { LogRecord } from '../../src/training/log.ts';
import { createTextTraining, type TextTraining } from '../../src/training/text-training.ts';
import { describeWithChromium, launchChromium, serveFolder } from '../chromium.ts';

const TEXT = 'the sea is wide. the sea is deep. '.repeat(40);
/** The loss of a model that knows nothing and says every character with the same probability. */
const UNTRAINED = Math.log(new Set(TEXT).size);
const SETTINGS = { layers: 1, hiddenSize: 16, heads: 2, context: 16, rows: 4, learningRate: 0.01, seed: 1 };

describeWithChromium('the page of examples/browser', () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof serveFolder>>;
  let browser: Browser;
  /** A model that has learnt something, in a folder of the server. */
  let trained: TextTraining;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corpusmill-page-'));
    execFileSync(process.execPath, [join(packageRoot(), 'scripts', 'browser-example.mjs'), folder], { stdio: 'pipe' });
    copyFileSync(join(packageRoot(), 'dist', 'browser', 'training.js'), join(folder, 'training.js'));
    trained = createTextTraining(createReferenceBackend(), TEXT, { ...SETTINGS, steps: 60 });
    await trained.trainer.run();
    await writeCheckpoint(join(folder, 'model'), { config: trained.config, values: trained.weights.read });
    writeFileSync(join(folder, 'model', 'tokenizer.json'), tokenizerJsonText(trained.tokenizer.toJson()));
    server = await serveFolder(folder);
    browser = await launchChromium({ webgpu: true });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(backend: string, from = browser): Promise<Page> {
    const page = await from.newPage({ viewport: { width: 1200, height: 900 } });
    await page.goto(`${server.url}?backend=${backend}`);
    await idle(page);
    return page;
  }

  /** Until the worker has done what it was asked. */
  const idle = (page: Page) => page.waitForSelector('body[data-activity=idle]', { timeout: 60_000 });
  const counted = (page: Page, tokens: number) =>
    page.locator('#write-count', { hasText: new RegExp(`^${tokens}$`) }).waitFor();
  const number = async (page: Page, id: string): Promise<number> => Number(await page.textContent(id));
  const failure = async (page: Page): Promise<string> => {
    const message = page.locator('#failure');
    await message.waitFor({ state: 'visible' });
    return ((await message.textContent()) ?? '').replace(/\s+/g, ' ').trim();
  };

  async function fillIn(page: Page): Promise<void> {
    await page.fill('#train-text', TEXT);
    const { layers, hiddenSize, heads, context, rows, learningRate, seed } = SETTINGS;
    const fields = { layers, width: hiddenSize, heads, context, rows, rate: learningRate, seed, 'sample-every': 20 };
    for (const [name, value] of Object.entries(fields)) await page.fill(`#train-${name}`, String(value));
    await page.fill('#train-prompt', 'the ');
  }
  const reach = (page: Page, step: number) =>
    expect.poll(() => number(page, '#train-step'), { timeout: 60_000 }).toBeGreaterThanOrEqual(step);

  it('trains: the loss falls, texts appear, it stops, and goes on', async () => {
    const page = await open('reference');
    await fillIn(page);
    await page.click('#train-start');
    await reach(page, 60);
    await page.click('#train-stop');
    await idle(page);
    const stopped = await number(page, '#train-step');
    expect(await number(page, '#train-loss')).toBeLessThan(0.5 * UNTRAINED);
    expect(await number(page, '#train-evaluation')).toBeLessThan(0.5 * UNTRAINED);
    expect(await page.locator('#train-samples li').count()).toBe(Math.floor(stopped / 20));
    expect(await page.locator('#train-samples li').first().textContent()).toMatch(/^after \d+ stepsthe /);
    expect(await page.locator('#train-chart polyline.mean').getAttribute('points')).toMatch(/^\d+\.\d,\d+\.\d /);
    await page.click('#train-continue');
    await reach(page, stopped + 5);
    await page.click('#train-stop');
    await idle(page);
    // The other tab can write with it at once.
    await page.click('#tab-write');
    await page.fill('#write-prompt', 'the sea ');
    await page.fill('#write-temperature', '0');
    await page.fill('#write-tokens', '20');
    await page.click('#write-start');
    await counted(page, 20);
    // How far it has come depends on when it was stopped; that it writes in letters of its text does not.
    expect(await page.textContent('#write-made')).toMatch(/^[a-z. ]{20}$/);
    await page.close();
  });

  it('writes with a checkpoint, from an address or from files, what Node writes with it', async () => {
    const request = {
      ids: trained.tokenizer.encode('the sea '),
      maxNewTokens: 40,
      sampling: { temperature: 0.8, topP: 0.9 },
      seed: 5,
    };
    const generator = createGenerator(createReferenceBackend(), trained.weights, { slots: 1, capacity: 48 });
    const [{ text }] = await generateTexts(generator, trained.tokenizer, [request]);

    const page = await open('reference');
    await page.click('#tab-write');
    const write = async (): Promise<string | null> => {
      await page.fill('#write-prompt', 'the sea ');
      for (const [name, value] of Object.entries({ temperature: 0.8, 'top-p': 0.9, tokens: 40, seed: 5 }))
        await page.fill(`#write-${name}`, String(value));
      await page.click('#write-start');
      await counted(page, 40);
      await idle(page);
      return page.textContent('#write-made');
    };
    await page.fill('#write-address', 'model');
    await page.click('#write-load');
    await page.waitForSelector('#write-loaded:enabled');
    expect(await page.textContent('#write-loaded-name')).toContain('qwen3, ');
    expect(await write()).toBe(text);

    await page.setInputFiles('#write-folder', join(folder, 'model'));
    await page.locator('#write-loaded-name', { hasText: /^model: / }).waitFor();
    expect(await write()).toBe(text);
    await page.close();
  });

  it('says in words what is wrong', async () => {
    const page = await open('reference');
    await page.fill('#train-text', 'short');
    await page.fill('#train-prompt', 's');
    await page.click('#train-start');
    expect(await failure(page)).toMatch(/^The text has 4 tokens, rows of 32 need 33\. Give more text/);
    await page.click('#failure-close');
    await fillIn(page);
    await page.fill('#train-prompt', 'Zebra');
    await page.click('#train-start');
    expect(await failure(page)).toContain('The prompt has "Z", which the text that was learnt does not have.');
    await idle(page);
    await page.click('#tab-write');
    await page.fill('#write-address', 'nowhere');
    await page.click('#write-load');
    expect(await failure(page)).toContain('nowhere/config.json: there is no such file.');
    await idle(page);
    await page.setInputFiles('#write-files', join(folder, 'index.html'));
    expect(await failure(page)).toContain('config.json: there is no such file.');
    await page.close();
  });

  describe('without WebGPU', () => {
    let without: Browser;
    beforeAll(async () => {
      without = await launchChromium({ webgpu: false });
    });
    afterAll(() => without?.close());

    it('computes in TypeScript and says why, and says so where WebGPU is asked for', async () => {
      const page = await open('auto', without);
      expect(await page.textContent('#backend-state')).toMatch(/^TypeScript, because this browser has /);
      await page.selectOption('#backend-choice', 'webgpu');
      expect(await failure(page)).toMatch(/no graphics adapter|has no WebGPU/);
      await page.close();
    });
  });

  async function hasAdapter(page: Page): Promise<boolean> {
    return page.evaluate(async () => {
      const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
      return ((await navigator?.gpu?.requestAdapter()) ?? null) !== null;
    });
  }
  const WITHOUT = 'this Chromium has no WebGPU adapter';

  // A software adapter compiles some dozens of kernels first: seconds, minutes where the machine is busy.
  it('trains on WebGPU: says how far its kernels are, and the loss falls', { timeout: 400_000 }, async ({ skip }) => {
    const page = await open('reference');
    if (!(await hasAdapter(page))) skip(WITHOUT);
    await page.selectOption('#backend-choice', 'webgpu');
    await page.locator('#backend-state', { hasText: /^WebGPU on / }).waitFor();
    await idle(page);
    await fillIn(page);
    // Few steps: each takes a second where the machine is busy.
    await page.fill('#train-rate', '0.03');
    await page.fill('#train-sample-every', '10');
    await page.click('#train-start');
    await page.locator('#train-state', { hasText: /^Compiling kernels for this adapter: \d+ of \d+ …$/ }).waitFor();
    const step = (): Promise<number> => number(page, '#train-step');
    await expect.poll(step, { timeout: 300_000, interval: 20 }).toBeGreaterThanOrEqual(1);
    expect(await page.textContent('#train-state')).toBe('');
    await expect.poll(step, { timeout: 120_000 }).toBeGreaterThanOrEqual(20);
    await page.click('#train-stop');
    await idle(page);
    expect(await number(page, '#train-loss')).toBeLessThan(0.75 * UNTRAINED);
    expect(await page.locator('#train-samples li').first().textContent()).toMatch(/^after \d+ stepsthe /);
    expect(await page.locator('#train-chart polyline.mean').getAttribute('points')).toMatch(/^\d+\.\d,\d+\.\d /);
    const picture = process.env['CORPUSMILL_TEST_SCREENSHOT'];
    if (picture !== undefined) await page.screenshot({ path: picture });
    await page.close();
  });

  it('computes on WebGPU what the reference computes', { timeout: 400_000 }, async ({ skip }) => {
    const page = await browser.newPage();
    await page.goto(server.url);
    if (!(await hasAdapter(page))) skip(WITHOUT);
    await page.addScriptTag({
      type: 'module',
      content: "import * as corpusmill from './training.js'; Object.assign(globalThis, { corpusmill });",
    });
    await page.waitForFunction('globalThis.corpusmill !== undefined');
    const losses = (choice: 'webgpu' | 'reference'): Promise<number[]> =>
      page.evaluate(
        async ({ choice, text, settings }) => {
          const { corpusmill } = globalThis as unknown as { corpusmill: typeof BrowserEntry };
          const { createTextTraining, openBrowserBackend } = corpusmill;
          const { backend } = await openBrowserBackend(choice);
          const found: number[] = [];
          const onRecord = (record: LogRecord): void => {
            if (record.kind === 'step') found.push(record.loss ?? Number.NaN);
          };
          const { trainer } = createTextTraining(backend, text, { ...settings, steps: 6, evaluateEvery: 0, onRecord });
          await trainer.run();
          await backend.dispose();
          return found;
        },
        { choice, text: TEXT, settings: { ...SETTINGS, layers: 2 } },
      );
    const [there, here] = [await losses('webgpu'), await losses('reference')];
    expect(here).toHaveLength(6);
    for (const [step, loss] of here.entries()) expect(there[step], `step ${step + 1}`).toBeCloseTo(loss, 3);
    await page.close();
  });
});

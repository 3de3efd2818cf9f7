/** Interruptions and changes: finished work is kept, the result is the same bytes, and nothing is overwritten unasked. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cli,
  everyStage,
  filesUnder,
  hasStackTrace,
  pipelineFile,
  productsOf,
  startCli,
  timingOf,
  waitFor,
  workspace,
} from './cli.ts';
import { jsonl, madeCorpus } from './corpus.ts';

function project(documents: number): string {
  return workspace({
    'data/a.jsonl': jsonl(madeCorpus(documents)),
    'p.yaml': pipelineFile({
      inputs: [{ name: 'web', path: 'data/*.jsonl' }],
      stages: everyStage,
      run: { chunkBytes: 24 * 1024 },
    }),
  });
}

/** Finished parts of the first pass. */
function parts(runDir: string): number {
  const folder = join(runDir, 'phases', '01-pass', 'parts');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).length : 0;
}

describe('an interrupted run', () => {
  it('killed outright again and again, goes on each time and ends with the same bytes', {
    timeout: 240_000,
  }, async () => {
    const cwd = project(1500);
    const started = performance.now();
    expect((await cli(['run', 'p.yaml', '--set', 'output=whole'], cwd)).code).toBe(0);
    const whole = performance.now() - started;

    // At growing shares of what a whole run takes, so that kills fall on different phases on any machine.
    let kills = 0;
    for (const share of [0.25, 0.4, 0.5, 0.6, 0.7]) {
      const run = startCli(['run', 'p.yaml', '--workers', '2'], cwd);
      const timer = setTimeout(() => run.child.kill('SIGKILL'), share * whole);
      const result = await run.done;
      clearTimeout(timer);
      if (result.signal === 'SIGKILL') kills++;
      else expect(result.code, result.stderr).toBe(0);
    }
    expect(kills).toBeGreaterThan(0);
    const last = await cli(['run', 'p.yaml'], cwd);
    expect(last.code, last.stderr).toBe(0);
    expect(productsOf(join(cwd, 'run'))).toEqual(productsOf(join(cwd, 'whole')));
  });

  it('killed while a sink writes, leaves no half-written file among the products', { timeout: 120_000 }, async () => {
    const cwd = project(600);
    expect((await cli(['run', 'p.yaml', '--set', 'output=whole'], cwd)).code).toBe(0);
    const run = join(cwd, 'run');
    const killed = startCli(['run', 'p.yaml', '--workers', '1'], cwd);
    const sink = (): string | undefined =>
      existsSync(join(run, 'phases'))
        ? readdirSync(join(run, 'phases')).find((id) => id.endsWith('-shards'))
        : undefined;
    const begun = (): boolean => existsSync(join(run, 'phases', sink() ?? 'none', 'parts.json'));
    expect(await waitFor(begun, killed)).toBe(true);
    killed.child.kill('SIGKILL');
    await killed.done;
    // A kill between opening a file and renaming it leaves the temporary one; put there in case this kill did not.
    writeFileSync(join(run, 'output', 'shards', '.shard-00000-of-00001.arrow.1-1.tmp'), 'half');
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(productsOf(run)).toEqual(productsOf(join(cwd, 'whole')));
  });

  it.each(['dedup.exact', 'dedup.minhash'])(
    'killed while %s decides, gives the same decisions and report',
    {
      timeout: 120_000,
    },
    async (stage) => {
      const cwd = workspace({
        'data/a.jsonl': jsonl(madeCorpus(1200)),
        'p.yaml': pipelineFile({
          inputs: [{ name: 'web', path: 'data/*.jsonl' }],
          stages: ['dedup.exact', 'dedup.minhash', { stage: 'write', format: 'jsonl', compression: 'none' }],
          run: { chunkBytes: 32 * 1024, decideMemoryMiB: 16 },
        }),
      });
      expect((await cli(['run', 'p.yaml', '--set', 'output=whole'], cwd)).code).toBe(0);
      const run = join(cwd, 'run');
      const decide = (folder: string): string => {
        const phases = join(folder, 'phases');
        const phase = existsSync(phases) ? readdirSync(phases).find((id) => id.endsWith(stage)) : undefined;
        return join(phases, phase ?? 'none', 'decide');
      };
      const killed = startCli(['run', 'p.yaml', '--workers', '2'], cwd);
      expect(await waitFor(() => existsSync(join(decide(run), 'phase.json')), killed)).toBe(true);
      killed.child.kill('SIGKILL');
      expect((await killed.done).signal).toBe('SIGKILL');
      expect(JSON.parse(readFileSync(join(decide(run), 'phase.json'), 'utf8'))).toMatchObject({ state: 'running' });
      expect(existsSync(join(run, 'summary.json'))).toBe(false);
      // What a decision may leave when it is cut short: scratch files, and decisions for some parts.
      mkdirSync(join(decide(run), 'work'), { recursive: true });
      writeFileSync(join(decide(run), 'work', 'candidates-0.pairs'), 'half a run of pai');
      mkdirSync(join(decide(run), 'decisions'), { recursive: true });
      writeFileSync(join(decide(run), 'decisions', '00000.bin'), 'of another time');

      expect((await cli(['run', 'p.yaml', '--workers', '1'], cwd)).code).toBe(0);
      expect(productsOf(run)).toEqual(productsOf(join(cwd, 'whole')));
      const decisions = (folder: string): Record<string, Buffer> =>
        Object.fromEntries(
          filesUnder(join(decide(folder), 'decisions')).map((path) => [
            path,
            readFileSync(join(decide(folder), 'decisions', path)),
          ]),
        );
      expect(Object.keys(decisions(run)).length).toBeGreaterThan(10);
      expect(decisions(run)).toEqual(decisions(join(cwd, 'whole')));
      expect(existsSync(join(decide(run), 'work'))).toBe(false);
      // The features were whole: observing is not done again.
      expect(timingOf(run).phases[0].reused).toBe(true);
    },
  );

  it('killed in the first pass, does not read again what it had finished', { timeout: 120_000 }, async () => {
    const cwd = project(1500);
    const killed = startCli(['run', 'p.yaml', '--workers', '1'], cwd);
    expect(await waitFor(() => parts(join(cwd, 'run')) >= 3, killed)).toBe(true);
    killed.child.kill('SIGKILL');
    expect((await killed.done).signal).toBe('SIGKILL');
    const folder = join(cwd, 'run', 'phases', '01-pass', 'parts');
    const before = readdirSync(folder).filter((name) => name.endsWith('.json'));
    expect(before.length).toBeGreaterThanOrEqual(3);
    // A time in the past marks the finished parts: one that is written again would lose it.
    for (const name of before) utimesSync(join(folder, name), 1000, 1000);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const kept = before.filter((name) => statSync(join(folder, name)).mtimeMs === 1_000_000);
    expect(kept).toEqual(before);
  });

  it('stopped with Ctrl-C, says how to go on, exits with 130, and goes on to the same bytes', {
    timeout: 120_000,
  }, async () => {
    const cwd = project(1500);
    expect((await cli(['run', 'p.yaml', '--set', 'output=whole'], cwd)).code).toBe(0);
    const run = startCli(['run', 'p.yaml', '--workers', '1'], cwd);
    expect(await waitFor(() => parts(join(cwd, 'run')) >= 3, run)).toBe(true);
    run.child.kill('SIGINT');
    const stopped = await run.done;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(/again|resume/i);
    expect(hasStackTrace(stopped)).toBe(false);
    expect(filesUnder(join(cwd, 'run')).filter((path) => path === 'summary.json' || path === 'run.lock')).toEqual([]);

    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(productsOf(join(cwd, 'run'))).toEqual(productsOf(join(cwd, 'whole')));
  });
});

describe('a second run', () => {
  const reused = (cwd: string): boolean[] => timingOf(join(cwd, 'run')).phases.map((phase) => phase.reused);

  it('with nothing changed does nothing', async () => {
    const cwd = project(300);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(reused(cwd).some(Boolean)).toBe(false);
    const first = productsOf(join(cwd, 'run'));
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(reused(cwd).every(Boolean)).toBe(true);
    expect(productsOf(join(cwd, 'run'))).toEqual(first);
  });

  it('with a changed option runs that stage and what is behind it, and gives what a fresh run gives', {
    timeout: 120_000,
  }, async () => {
    const cwd = project(300);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const change = ['--set', 'stages.tokenizer.train.vocabSize=500'];
    expect((await cli(['run', 'p.yaml', ...change], cwd)).code).toBe(0);
    const byTitle = Object.fromEntries(timingOf(join(cwd, 'run')).phases.map((phase) => [phase.title, phase.reused]));
    expect(byTitle).toMatchObject({
      'dedup.exact': true,
      'dedup.minhash': true,
      'tokenizer.train': false,
      shards: false,
    });
    expect(timingOf(join(cwd, 'run')).phases[0].reused).toBe(true);

    expect((await cli(['run', 'p.yaml', ...change, '--set', 'output=fresh'], cwd)).code).toBe(0);
    expect(productsOf(join(cwd, 'run'))).toEqual(productsOf(join(cwd, 'fresh')));
  });

  it('with a change behind a product leaves that product as a fresh run would make it', {
    timeout: 120_000,
  }, async () => {
    const cwd = project(300);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const change = ['--set', 'stages.write.compression=gzip'];
    expect((await cli(['run', 'p.yaml', ...change], cwd)).code).toBe(0);
    expect(timingOf(join(cwd, 'run')).phases.find(({ title }) => title === 'shards')?.reused).toBe(true);
    expect((await cli(['run', 'p.yaml', ...change, '--set', 'output=fresh'], cwd)).code).toBe(0);
    expect(productsOf(join(cwd, 'run'))).toEqual(productsOf(join(cwd, 'fresh')));
  });

  it('with a lower maxBadRecords fails as a fresh run would, and quarantine.jsonl is there again', async () => {
    const cwd = project(20);
    writeFileSync(join(cwd, 'data', 'b.jsonl'), 'nonsense\n');
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const quarantine = join(cwd, 'run', 'quarantine.jsonl');
    const before = readFileSync(quarantine, 'utf8');
    rmSync(quarantine);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(readFileSync(quarantine, 'utf8')).toBe(before);
    const strict = await cli(['run', 'p.yaml', '--set', 'run.maxBadRecords=0'], cwd);
    expect(strict.code).toBe(3);
    expect(strict.stderr).toContain('maxBadRecords');
  });

  it('with a changed input file runs everything again', async () => {
    const cwd = project(300);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    writeFileSync(join(cwd, 'data', 'b.jsonl'), jsonl(madeCorpus(50, 2).map((d) => ({ ...d, id: `b-${d.id}` }))));
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(reused(cwd).some(Boolean)).toBe(false);
  });

  it('with --from runs from that stage on', async () => {
    const cwd = project(300);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const first = productsOf(join(cwd, 'run'));
    expect((await cli(['run', 'p.yaml', '--from', 'shards'], cwd)).code).toBe(0);
    const phases = timingOf(join(cwd, 'run')).phases;
    const from = phases.findIndex((phase) => phase.title === 'shards');
    expect(phases.slice(0, from).every((phase) => phase.reused)).toBe(true);
    expect(phases.slice(from).some((phase) => phase.reused)).toBe(false);
    expect(productsOf(join(cwd, 'run'))).toEqual(first);
  });
});

describe('an output folder', () => {
  it("that holds another pipeline's run is refused and left as it was", async () => {
    const cwd = project(200);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const before = productsOf(join(cwd, 'run'));
    const result = await cli(['run', 'p.yaml', '--set', 'name=another'], cwd);
    expect(result.code).toBe(5);
    expect(result.stderr).toMatch(/another pipeline/);
    expect(hasStackTrace(result)).toBe(false);
    expect(productsOf(join(cwd, 'run'))).toEqual(before);
  });

  it('that holds something else is refused and left as it was', async () => {
    const cwd = project(50);
    const folder = workspace({ 'thesis.txt': 'years of work' });
    const result = await cli(['run', 'p.yaml', '--set', `output=${folder}`], cwd);
    expect(result.code).toBe(5);
    expect(result.stderr).toContain('thesis.txt');
    expect(filesUnder(folder)).toEqual(['thesis.txt']);
  });
});

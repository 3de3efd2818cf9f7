/**
 * The GitHub Action and the GitLab job of docs: their own scripts, run in bash as a runner would, with the built program
 * as the installed one. Steps that use another action (checkout, cache, artifacts) are the runner's.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../src/core/package-root.ts';
import { workspace } from './cli.ts';

const MAIN = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');

interface Step {
  name: string;
  id?: string;
  if?: string;
  uses?: string;
  shell?: string;
  run?: string;
  env?: Record<string, string>;
  with?: Record<string, string>;
}

interface Action {
  inputs: Record<string, { description: string; default?: string; required?: boolean }>;
  outputs: Record<string, { value: string }>;
  runs: { using: string; steps: Step[] };
}

const action = parse(readFileSync(join(packageRoot(), 'action.yml'), 'utf8')) as Action;

interface Ran {
  /** Exit code by name of step. */
  codes: Record<string, number | null>;
  log: string;
  summary: string;
  outputs: Record<string, string>;
}

/** A folder with programs to be found before all others. */
function programs(cwd: string, scripts: Record<string, string>): string {
  const bin = join(cwd, '.bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/bash\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

/** Runs the action's scripts in `cwd`, a failed one ending all but those that run always. */
function runAction(cwd: string, inputs: Record<string, string>, branch = 'main'): Ran {
  const bin = programs(cwd, { corpusmill: `exec "${process.execPath}" "${MAIN}" "$@"` });
  const given = Object.fromEntries(
    Object.entries(action.inputs).map(([name, { default: value = '' }]) => [name, inputs[name] ?? value]),
  );
  const ran: Ran = { codes: {}, log: '', summary: '', outputs: {} };
  const summaryFile = join(cwd, '.summary');
  writeFileSync(summaryFile, '');
  const outputs: Record<string, Record<string, string>> = {};
  const value = (text: string): string =>
    text.replace(/\$\{\{\s*([\w.-]+)\s*\}\}/g, (_, name: string) => {
      if (name.startsWith('inputs.')) return given[name.slice('inputs.'.length)];
      const [, step, output] = /^steps\.([\w-]+)\.outputs\.([\w-]+)$/.exec(name) ?? [];
      if (step !== undefined) return outputs[step]?.[output] ?? '';
      if (name === 'github.action_path') return packageRoot();
      throw new Error(`the test does not know ${name}`);
    });
  let failed = false;
  for (const { name, id, if: condition = '', run, env = {} } of action.runs.steps) {
    if (run === undefined) continue;
    if (failed && !condition.includes('always()')) continue;
    if (condition.includes('default_branch') && branch !== 'main') continue;
    if (condition.includes("steps.dedup.outputs.report != ''") && outputs['dedup']?.['report'] === undefined) continue;
    const outputFile = join(cwd, '.output');
    writeFileSync(outputFile, '');
    const { status, stdout, stderr } = spawnSync('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', run], {
      cwd,
      encoding: 'utf8',
      env: {
        ...process.env,
        NO_COLOR: '1',
        PATH: `${bin}:${process.env['PATH']}`,
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKSPACE: cwd,
        GITHUB_OUTPUT: outputFile,
        GITHUB_STEP_SUMMARY: summaryFile,
        RUNNER_TEMP: join(cwd, '.temp'),
        ...Object.fromEntries(Object.entries(env).map(([key, text]) => [key, value(text)])),
      },
    });
    ran.codes[name] = status;
    ran.log += `${stdout}${stderr}`;
    if (status !== 0) failed = true;
    const lines = readFileSync(outputFile, 'utf8').split('\n');
    if (id !== undefined) outputs[id] = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
  }
  ran.summary = readFileSync(summaryFile, 'utf8');
  for (const [name, output] of Object.entries(action.outputs)) ran.outputs[name] = value(output.value);
  return ran;
}

const words = (n: number): string => Array.from({ length: 60 }, (_, i) => `w${n}x${i}`).join(' ');
const jsonl = (texts: string[]): string =>
  texts.map((text, i) => `${JSON.stringify({ id: `d${i}`, text })}\n`).join('');
const corpus = { 'data/a b.jsonl': jsonl([1, 2, 3, 4].map(words)), 'data/c.jsonl': jsonl([words(2), words(9)]) };

describe('action.yml', () => {
  it('describes every input, pins the actions that it uses, and gives scripts their values by environment', () => {
    expect(action.runs.using).toBe('composite');
    for (const { description } of Object.values(action.inputs)) expect(description.length).toBeGreaterThan(10);
    for (const { name, uses, run, shell, env = {} } of action.runs.steps) {
      if (uses !== undefined) expect(uses).toMatch(/^actions\/[\w/-]+@v\d+$/);
      else {
        // An expression within a script would run whatever an input holds.
        expect(run, name).not.toContain('${{');
        expect(shell).toBe('bash');
        expect(Object.keys(env).join()).toMatch(/^[A-Z_,]+$/);
      }
    }
  });

  it('reports, annotates, and fails above the limit; summary and outputs are there all the same', () => {
    const cwd = workspace(corpus);
    const ran = runAction(cwd, { paths: '\n  data/a b.jsonl  \n  data/c*.jsonl\n', 'fail-over': '10%' });
    expect(ran.codes, ran.log).toEqual({
      'Install corpusmill': 0,
      'Look for duplicates': 4,
      'Write the job summary': 0,
      'Take the report as the next baseline': 0,
    });
    expect(ran.log).toContain(
      "::warning file=data/c.jsonl,line=1,title=Duplicate::'d0' is a copy of 'd1' (data/a b.jsonl:2)",
    );
    expect(ran.summary).toMatch(/^## corpusmill: dedup\n/);
    expect(ran.outputs).toEqual({
      report: 'runs/dedup/report.json',
      duplicates: '1',
      'duplicate-share': String(1 / 6),
      'new-duplicates': '',
      over: 'true',
    });
  });

  it('holds a pull request against the report that the default branch has left', () => {
    const cwd = workspace(corpus);
    const inputs = { paths: 'data', 'new-only': 'true', 'fail-over': '0' };
    const first = runAction(cwd, inputs);
    expect(first.codes['Look for duplicates'], first.log).toBe(0);
    expect(first.log).toContain('::notice title=corpusmill dedup::There is no baseline yet');
    const same = runAction(cwd, inputs, 'topic');
    expect(same.codes['Look for duplicates'], same.log).toBe(0);
    expect(same.outputs).toMatchObject({ duplicates: '1', 'new-duplicates': '0', over: 'false' });
    expect(same.codes).not.toHaveProperty('Take the report as the next baseline');

    writeFileSync(join(cwd, 'data', 'd.jsonl'), jsonl([words(4)]));
    const grown = runAction(cwd, inputs, 'topic');
    expect(grown.codes['Look for duplicates'], grown.log).toBe(4);
    expect(grown.outputs).toMatchObject({ duplicates: '2', 'new-duplicates': '1', over: 'true' });
    expect(grown.log).toContain('::warning file=data/d.jsonl,line=1,title=New duplicate');
  });

  it('passes further arguments on, and does not take what stands in an input for a command', () => {
    const cwd = workspace(corpus);
    const inputs = { paths: 'data\n$(touch pwned)', args: '--threshold\n0.8\n--output', 'fail-over': '1; touch pwned' };
    const ran = runAction(cwd, { ...inputs, args: '--threshold\n0.8' });
    expect(ran.codes['Look for duplicates']).toBe(2);
    expect(ran.outputs['report']).toBe('');
    expect(existsSync(join(cwd, 'pwned'))).toBe(false);
    const good = runAction(cwd, { paths: 'data', args: '--threshold\n0.8\n--format\njson', artifact: '' });
    expect(good.codes['Look for duplicates'], good.log).toBe(0);
    expect(JSON.parse(readFileSync(join(cwd, 'runs/dedup/report.json'), 'utf8')).duplicates[1].settings).toMatchObject({
      verify: 0.8,
    });
  });
});

describe('the GitLab job', () => {
  const page = join(packageRoot(), 'docs', 'dedup-reports-and-ci.md');
  const [, snippet] = /## GitLab\n+```yaml\n([\s\S]*?)```/.exec(readFileSync(page, 'utf8')) ?? [];
  const job = (parse(snippet) as { dedup: { script: string[]; artifacts: { paths: string[]; reports: object } } })
    .dedup;

  it('runs its script as it stands, with and without the report of the default branch, and leaves what it uploads', () => {
    const cwd = workspace(corpus);
    const bin = programs(cwd, {
      npx: `[ "$1 $2" = "--yes corpusmill" ] && exec "${process.execPath}" "${MAIN}" "\${@:3}"`,
      // Answers with the file that the last job left, or as where there is none.
      curl: `while [ $# -gt 0 ]; do if [ "$1" = --output ]; then to="$2"; fi; shift; done; cp kept.json "$to"`,
    });
    const run = (): { status: number | null; stderr: string } =>
      spawnSync('bash', ['-e', '-o', 'pipefail', '-c', job.script.join('\n')], {
        cwd,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${bin}:${process.env['PATH']}`, CI_PROJECT_DIR: cwd },
      });
    const first = run();
    expect(first.status, first.stderr).toBe(0);
    for (const path of [...job.artifacts.paths, ...Object.values(job.artifacts.reports)]) {
      expect(existsSync(join(cwd, path)), path).toBe(true);
    }
    writeFileSync(join(cwd, 'kept.json'), readFileSync(join(cwd, 'dedup-report', 'report.json')));
    expect(run().status).toBe(0);
    writeFileSync(join(cwd, 'data', 'd.jsonl'), jsonl([words(4)]));
    expect(run().status).toBe(4);
  });
});

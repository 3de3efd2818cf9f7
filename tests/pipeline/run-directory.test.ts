import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { beginPhase, finishedResult, finishPhase, openRunDirectory } from '../../src/pipeline/run-directory.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'corpusmill-run-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const pipeline = (name: string): Pipeline => ({ name, output: join(root, 'run') }) as Pipeline;

describe('run directory', () => {
  it('is reopened by the same pipeline and refused to another, unless forced', async () => {
    (await openRunDirectory(pipeline('web'), false)).close();
    (await openRunDirectory(pipeline('web'), false)).close();
    mkdirSync(join(root, 'run', 'phases', '01-pass'), { recursive: true });
    await expect(openRunDirectory(pipeline('books'), false)).rejects.toMatchObject({
      code: 'RUN_CONFLICT',
      message: `the output folder ${join(root, 'run')} holds a run of another pipeline, "web" (this one is "books")`,
    });
    (await openRunDirectory(pipeline('books'), true)).close();
    expect(existsSync(join(root, 'run', 'phases'))).toBe(false);
  });

  it('is not made in a folder with a stranger’s files', async () => {
    mkdirSync(join(root, 'run'));
    writeFileSync(join(root, 'run', 'thesis.doc'), 'mine');
    await expect(openRunDirectory(pipeline('web'), false)).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
    expect(readFileSync(join(root, 'run', 'thesis.doc'), 'utf8')).toBe('mine');
  });

  it('is taken up again when a kill came before it could say whose it is', async () => {
    mkdirSync(join(root, 'run'));
    writeFileSync(join(root, 'run', '.run.json.4711-0.tmp'), '{');
    writeFileSync(join(root, 'run', 'run.lock'), '');
    (await openRunDirectory(pipeline('web'), false)).close();
  });

  it('is not made, even forced, where its own files would replace a stranger’s', async () => {
    mkdirSync(join(root, 'run', 'output'), { recursive: true });
    writeFileSync(join(root, 'run', 'output', 'thesis.doc'), 'mine');
    await expect(openRunDirectory(pipeline('web'), true)).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
    rmSync(join(root, 'run', 'output'), { recursive: true });
    writeFileSync(join(root, 'run', 'run.json'), '{"pipeline":"of another program"}');
    await expect(openRunDirectory(pipeline('web'), true)).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
    expect(readFileSync(join(root, 'run', 'run.json'), 'utf8')).toContain('another program');
  });

  it('holds nothing but its name and its lock when opened, and only its name when closed', async () => {
    mkdirSync(join(root, 'run'));
    writeFileSync(join(root, 'run', 'run.json'), JSON.stringify({ corpusmill: 'run', pipeline: 'web' }));
    const open = await openRunDirectory(pipeline('web'), false);
    expect(readdirSync(join(root, 'run')).sort()).toEqual(['run.json', 'run.lock']);
    open.close();
    expect(readdirSync(join(root, 'run'))).toEqual(['run.json']);
  });

  it('is locked while a process uses it, and taken over from a dead one', async () => {
    const open = await openRunDirectory(pipeline('web'), false);
    open.close();
    // Process 1 is alive on every machine; a number beyond the largest pid is not.
    writeFileSync(join(root, 'run', 'run.lock'), '1');
    await expect(openRunDirectory(pipeline('web'), false)).rejects.toThrow('another process (1) is running');
    writeFileSync(join(root, 'run', 'run.lock'), '2147483646');
    const again = await openRunDirectory(pipeline('web'), false);
    expect(readFileSync(join(root, 'run', 'run.lock'), 'utf8')).toBe(String(process.pid));
    again.close();
    expect(existsSync(join(root, 'run', 'run.lock'))).toBe(false);
  });

  it.skipIf(!existsSync('/proc/self/stat'))(
    'is taken over from a process that has ended, and that nobody has asked how',
    async () => {
      // The shell gives way to a program that does not wait for what the shell began, which ends after that: the shell would.
      const script = 'exec 3<&0; cat <&3 & echo $!; exec sleep 30';
      const parent = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
      try {
        const [line] = (await once(parent.stdout, 'data')) as [Buffer];
        const zombie = Number(line.toString());
        await vi.waitFor(() => expect(readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n'), 5000);
        parent.stdin.end();
        await vi.waitFor(() => expect(readFileSync(`/proc/${zombie}/stat`, 'utf8')).toContain(') Z '), 5000);
        mkdirSync(join(root, 'run'));
        writeFileSync(join(root, 'run', 'run.lock'), String(zombie));
        (await openRunDirectory(pipeline('web'), false)).close();
      } finally {
        parent.kill('SIGKILL');
      }
    },
  );
});

describe('phases', () => {
  it('keeps what an interrupted phase with the same key left, and empties any other', async () => {
    const dir = join(root, 'phase');
    await beginPhase(dir, 'key-1');
    writeFileSync(join(dir, 'part'), 'done');
    await beginPhase(dir, 'key-1');
    expect(existsSync(join(dir, 'part'))).toBe(true);
    await beginPhase(dir, 'key-2');
    expect(existsSync(join(dir, 'part'))).toBe(false);
  });

  it('is finished only under its own key', async () => {
    const dir = join(root, 'phase');
    await beginPhase(dir, 'key-1');
    expect(finishedResult(dir, 'key-1')).toBeUndefined();
    await finishPhase(dir, 'key-1', { rows: [3] });
    expect(finishedResult(dir, 'key-1')).toEqual({ rows: [3] });
    expect(finishedResult(dir, 'key-2')).toBeUndefined();
  });
});

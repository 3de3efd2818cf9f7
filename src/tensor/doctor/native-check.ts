/** Whether the native backend works here, and where it does not, what of a compiler is there. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { native } from '../../core/native.ts';
import type { Program } from '../backend.ts';
import { createNativeBackend } from '../native/backend.ts';

export type NativeCheck =
  | {
      readonly state: 'works';
      /** That kernels run with, such as `avx512`. */
      readonly instructionSet: string;
      /** That this processor has, slowest first. */
      readonly instructionSets: readonly string[];
      readonly threads: number;
    }
  /** CORPUSMILL_NATIVE=0. */
  | { readonly state: 'off' }
  /** Not built; the tools that building wants and that are not on the PATH. */
  | { readonly state: 'missing'; readonly missingTools: readonly string[] }
  /** Built, and fails. */
  | { readonly state: 'broken'; readonly message: string };

/** Runs a small program on it. Never rejects. */
export async function checkNative(env: NodeJS.ProcessEnv = process.env): Promise<NativeCheck> {
  if (native === undefined) {
    return env['CORPUSMILL_NATIVE'] === '0' ? { state: 'off' } : { state: 'missing', missingTools: missingTools(env) };
  }
  try {
    const backend = createNativeBackend();
    if (backend === undefined) return { state: 'missing', missingTools: missingTools(env) };
    const buffer = backend.createBuffer('f32', 1000, 'test');
    const place = { slot: 1, offset: 0, length: 1000, dtype: 'f32' } as const;
    const program: Program = {
      name: 'test',
      buffers: [buffer],
      instructions: [{ operation: 'fill', inputs: [], outputs: [place], attributes: [1000, 7] }],
      arenaLength: 0,
    };
    await backend.compile(program).run();
    const values = await backend.read(buffer);
    await backend.dispose();
    const wrong = values.find((value) => value !== 7);
    if (wrong !== undefined) return { state: 'broken', message: `a test program wrote ${wrong} in place of 7` };
    return {
      state: 'works',
      instructionSet: native.tensorLevel(),
      instructionSets: native.matmul.isas(),
      threads: Math.min(availableParallelism(), 256),
    };
  } catch (error) {
    return { state: 'broken', message: (error as Error).message };
  }
}

/** What node-gyp needs and does not find. On Windows it looks for Visual Studio by itself. */
function missingTools(env: NodeJS.ProcessEnv): string[] {
  if (process.platform === 'win32') return [];
  const folders = (env['PATH'] ?? '').split(delimiter);
  const has = (...names: string[]): boolean =>
    names.some((name) => folders.some((folder) => existsSync(join(folder, name))));
  const wanted: [string, boolean][] = [
    ['a C++ compiler', has('g++', 'clang++', 'c++') || env['CXX'] !== undefined],
    ['make', has('make', 'gmake')],
    ['python3', has('python3', 'python')],
  ];
  return wanted.filter(([, isThere]) => !isThere).map(([name]) => name);
}

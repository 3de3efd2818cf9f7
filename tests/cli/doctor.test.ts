/** `corpusmill doctor` in this process: what it prints, and the exit code. */
import { expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import type { BackendDiagnosis } from '../../src/tensor/doctor/diagnose.ts';
import { cli } from './cli.ts';

interface Printed {
  version: string;
  auto: string;
  backends: BackendDiagnosis[];
}

it('--json has every backend, and exit code 0 where a compiled one works', async () => {
  const { code, stdout } = await cli(['doctor', '--json'], { env: process.env });
  const { backends, auto } = JSON.parse(stdout) as Printed;
  expect(backends.map(({ backend }) => backend)).toEqual(['native', 'webgpu', 'reference']);
  const compiled = backends.filter(({ backend, isSoftware }) => backend !== 'reference' && isSoftware !== true);
  expect(code).toBe(compiled.some(({ works }) => works) ? 0 : 4);
  expect(backends[0].works).toBe(native !== undefined);
  expect(backends.find(({ backend }) => backend === auto)?.works).toBe(true);
  for (const { works, fix } of backends) if (!works) expect(fix).toMatch(/\w/);
}, 60_000);

it('prints a block for each backend, without a GPU driver too', async () => {
  const env = { ...process.env, NO_COLOR: '1', VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' };
  const { stdout } = await cli(['doctor'], { env });
  expect(stdout).toMatch(/^native +\S/m);
  if (process.platform === 'linux') expect(stdout).toMatch(/^webgpu +no /m);
  expect(stdout).toMatch(/^reference +works/m);
  expect(stdout).toMatch(/--backend auto takes (native|reference) here/);
}, 60_000);

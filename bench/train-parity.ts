/**
 * The trainer against PyTorch and transformers on the native backend: logits (also of packed documents), loss, the gradient of
 * every parameter, twelve steps of AdamW and the greedy text afterwards. Models: the six of shared/goldens, and, where
 * bench/peers/setup.sh has been run, seven other configurations made by peers/golden_models.py on the spot.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/core/package-root.ts';
import { openBackend } from '../src/tensor/open-backend.ts';
import type { Bench } from './bench.ts';
import { GOLDEN_MODELS } from './golden-model.ts';
import { createGoldenTable } from './golden-table.ts';
import { runPythonPeer } from './python-peer.ts';

export const trainParity: Bench = {
  name: 'train-parity',
  summary: 'Logits, loss, gradients, a trajectory of AdamW and greedy text against PyTorch and transformers',
  async run() {
    const notes: string[] = [];
    const goldens = join(process.env['CORPUSMILL_SHARED'] ?? join(packageRoot(), '..', 'shared'), 'goldens');
    const folders = GOLDEN_MODELS.map((name) => join(goldens, name)).filter(existsSync);
    if (folders.length === 0) notes.push('no folder of goldens beside this checkout');
    const made = await mkdtemp(join(tmpdir(), 'corpusmill-parity-'));
    try {
      const answer = runPythonPeer('golden_models.py', [made], []);
      if (typeof answer === 'string') notes.push(answer);
      else folders.push(...(JSON.parse(answer[answer.length - 1]) as string[]).map((name) => join(made, name)));
      const goldenTable = createGoldenTable();
      for (const folder of folders) {
        const backend = await openBackend('auto', { threads: 2 });
        await goldenTable.add(folder, backend);
        await backend.dispose();
      }
      return { table: goldenTable.table, figures: goldenTable.figures(), notes };
    } finally {
      await rm(made, { recursive: true });
    }
  },
};

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
import { GOLDEN_MODELS, measureLogits, measureTraining, openGoldenFolder } from './golden-model.ts';
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
      const table: (string | number)[][] = [
        ['model', 'logits', 'packed', 'loss', 'gradient', 'of', 'trajectory', 'greedy identical'],
      ];
      const most = { logits: 0, loss: 0, gradient: 0, trajectory: 0 };
      let greedyIdentical = true;
      for (const folder of folders) {
        const backend = await openBackend('auto', { threads: 2 });
        const golden = await openGoldenFolder(folder, backend);
        const { logits, packedLogits } = await measureLogits(backend, golden);
        const { loss, gradient, gradientOf, trajectory, ...rest } = await measureTraining(backend, golden);
        const name = folder.split(/[\\/]/).at(-1) ?? folder;
        const numbers = [logits, packedLogits, loss, gradient].map((value) => value.toExponential(1));
        table.push([name, ...numbers, gradientOf, trajectory.toExponential(1), String(rest.greedyIdentical)]);
        most.logits = Math.max(most.logits, logits, packedLogits);
        most.loss = Math.max(most.loss, loss);
        most.gradient = Math.max(most.gradient, gradient);
        most.trajectory = Math.max(most.trajectory, trajectory);
        greedyIdentical &&= rest.greedyIdentical;
        await golden.reference.close();
        await backend.dispose();
      }
      const figures = {
        models: folders.length,
        maxLogitError: most.logits,
        maxLossRelative: most.loss,
        maxGradientRelative: most.gradient,
        maxTrajectoryRelative: most.trajectory,
        greedyIdentical,
      };
      return { table, figures, notes };
    } finally {
      await rm(made, { recursive: true });
    }
  },
};

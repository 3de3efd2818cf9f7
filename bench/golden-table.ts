/** Golden models one after another: a row of errors for each, and the largest of all. */
import type { Backend } from '../src/tensor/backend.ts';
import { measureLogits, measureTraining, openGoldenFolder } from './golden-model.ts';

export interface GoldenTable {
  readonly table: (string | number)[][];
  /** Measures the model of a folder on a backend, which is left as it was. */
  add(folder: string, backend: Backend): Promise<void>;
  figures(): {
    models: number;
    maxLogitError: number;
    maxLossRelative: number;
    maxGradientRelative: number;
    maxTrajectoryRelative: number;
    greedyIdentical: boolean;
  };
}

export function createGoldenTable(): GoldenTable {
  const table: (string | number)[][] = [
    ['model', 'logits', 'packed', 'loss', 'gradient', 'of', 'trajectory', 'greedy identical'],
  ];
  const most = { maxLogitError: 0, maxLossRelative: 0, maxGradientRelative: 0, maxTrajectoryRelative: 0 };
  let greedyIdentical = true;
  return {
    table,
    async add(folder, backend) {
      const golden = await openGoldenFolder(folder, backend);
      const { logits, packedLogits } = await measureLogits(backend, golden);
      const { loss, gradient, gradientOf, trajectory, ...rest } = await measureTraining(backend, golden);
      const name = folder.split(/[\\/]/).at(-1) ?? folder;
      const numbers = [logits, packedLogits, loss, gradient].map((value) => value.toExponential(1));
      table.push([name, ...numbers, gradientOf, trajectory.toExponential(1), String(rest.greedyIdentical)]);
      most.maxLogitError = Math.max(most.maxLogitError, logits, packedLogits);
      most.maxLossRelative = Math.max(most.maxLossRelative, loss);
      most.maxGradientRelative = Math.max(most.maxGradientRelative, gradient);
      most.maxTrajectoryRelative = Math.max(most.maxTrajectoryRelative, trajectory);
      greedyIdentical &&= rest.greedyIdentical;
      golden.weights.dispose();
      await golden.reference.close();
    },
    figures: () => ({ models: table.length - 1, ...most, greedyIdentical }),
  };
}

/** Options that name inputs of the pipeline. */
import type { InputMistake } from '../core/stage.ts';

/** A mistake for each name that is no input; `at` is the option that holds them. */
export function unknownInputs(
  at: readonly string[],
  names: readonly string[],
  inputs: readonly string[],
): InputMistake[] {
  return names
    .filter((name) => !inputs.includes(name))
    .map((name) => ({ path: [...at, name], name, expected: `one of the pipeline's inputs: ${inputs.join(', ')}` }));
}

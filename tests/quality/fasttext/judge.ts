/**
 * fastText's own C++ as the judge of ours, compiled to WebAssembly (fasttext.wasm.js): it reads the model files that we write
 * and scores texts. Its training is of no use: matrices that it does not fill hold what was in memory.
 */
import { readFileSync } from 'node:fs';
import { getFastTextModule } from 'fasttext.wasm.js';

export interface Judge {
  /** Every label's probability, by label, line ends taken as spaces; empty when the model knows no part of the text. */
  score(text: string): Record<string, number>;
  /** Words and labels with their counts, in the order of the dictionary. */
  words(): [string, number][];
  labels(): [string, number][];
}

interface List<T> {
  size(): number;
  get(i: number): T;
}

const module = await getFastTextModule();
/** A file written under a name that was used before keeps its first content. */
let files = 0;

/** Reads a model file. Throws where fastText does. */
export function judgeOf(path: string): Judge {
  const name = `/model-${files++}`;
  module.FS.writeFile(name, readFileSync(path));
  const model = new module.FastText();
  model.loadModel(name);
  module.FS.unlink(name);
  const counted = (pair: unknown): [string, number][] => {
    const [names, counts] = pair as [List<string>, List<number>];
    return Array.from({ length: names.size() }, (_, i) => [names.get(i), Number(counts.get(i))]);
  };
  return {
    score(text) {
      // Lone surrogates become U+FFFD, as everywhere in Node.
      const line = Buffer.from(text.replaceAll('\n', ' ')).toString();
      const found = model.predict(`${line}\n`, 1000, 0) as unknown as List<[number, string]>;
      return Object.fromEntries(
        Array.from({ length: found.size() }, (_, i) => {
          const [probability, label] = found.get(i);
          return [label.replace('__label__', ''), probability];
        }),
      );
    },
    words: () => counted(model.getWords()),
    labels: () => counted(model.getLabels()),
  };
}

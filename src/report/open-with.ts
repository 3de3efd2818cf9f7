/**
 * How to open an output: the line that the reader of a report would otherwise have to look up. Commands are to be run
 * in the run directory. A path is data, so it is quoted for the language it stands in.
 */

export interface OpenRecipe {
  /** The program or library. */
  tool: string;
  code: string;
}

/** Recipes for a sink's output, best first. `path` is a folder or a file relative to the run directory. */
export function recipesFor(output: { stage: string; path: string; details: Record<string, unknown> }): OpenRecipe[] {
  const inspect = { tool: 'corpusmill', code: `corpusmill inspect ${shellQuote(output.path)}` };
  switch (kindOf(output)) {
    case 'shards':
      return [
        {
          tool: 'Hugging Face datasets',
          code: [
            'from glob import glob',
            'from datasets import Dataset, concatenate_datasets',
            `shards = sorted(glob(${pythonQuote(inFolder(output.path, '*.arrow'))}))`,
            'dataset = concatenate_datasets([Dataset.from_file(shard) for shard in shards])',
          ].join('\n'),
        },
        inspect,
      ];
    case 'parquet':
      return [
        {
          tool: 'DuckDB',
          code: `duckdb -c ${shellQuote(`SELECT * FROM ${sqlQuote(inFolder(output.path, '*.parquet'))} LIMIT 10`)}`,
        },
        {
          tool: 'Hugging Face datasets',
          code: loadDataset('parquet', inFolder(output.path, '*.parquet')),
        },
        inspect,
      ];
    case 'jsonl':
      return [{ tool: 'Hugging Face datasets', code: loadDataset('json', inFolder(output.path, '*.jsonl*')) }, inspect];
    case 'arrow':
      return [{ tool: 'Hugging Face datasets', code: loadDataset('arrow', inFolder(output.path, '*.arrow')) }, inspect];
    default:
      return [inspect];
  }
}

/** Recipes for a file that a barrier left under a role, for example `tokenizer`. */
export function recipesForArtifact(role: string, path: string): OpenRecipe[] {
  if (role !== 'tokenizer') return [];
  return [
    {
      tool: 'Hugging Face tokenizers',
      code: `from tokenizers import Tokenizer\ntokenizer = Tokenizer.from_file(${pythonQuote(inFolder(path, 'tokenizer.json'))})`,
    },
  ];
}

function kindOf(output: { stage: string; path: string; details: Record<string, unknown> }): string {
  if (/shards/.test(output.stage)) return 'shards';
  const format = typeof output.details['format'] === 'string' ? output.details['format'] : '';
  return /parquet|jsonl|arrow/.exec(`${format} ${output.stage} ${output.path}`)?.[0] ?? '';
}

/** The path itself when it already names a file. */
function inFolder(path: string, pattern: string): string {
  if (/\.(arrow|parquet|json|jsonl)(\.gz|\.zst)?$/.test(path)) return path;
  return `${path.replace(/\/+$/, '')}/${pattern}`;
}

function loadDataset(builder: string, files: string): string {
  return `from datasets import load_dataset\ndataset = load_dataset(${pythonQuote(builder)}, data_files=${pythonQuote(files)}, split="train")`;
}

function shellQuote(text: string): string {
  if (/^[\w./*-]+$/.test(text)) return text;
  if (!/[$`"\\!]/.test(text)) return `"${text}"`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function sqlQuote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function pythonQuote(text: string): string {
  return JSON.stringify(text);
}

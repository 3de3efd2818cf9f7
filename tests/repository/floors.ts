/**
 * The import floors of docs/architecture.md, checked from the sources: a file imports only from its own folder or from
 * folders on floors below; never upward, never sideways into another folder of its floor, and never in a cycle.
 * Type-only imports count: a type is a dependency of whoever must change both files.
 *
 * Imports are found by pattern rather than by a parser (TypeScript 7 has no scripting interface): comments are cut
 * first, so that an example in a doc comment is no import. About 20 ms for a hundred files.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

/** Lowest first. A folder that exists in none of these is an error, so that a new room gets its floor deliberately. */
export const FLOORS: readonly (readonly string[])[] = [
  ['src/core'],
  ['src/text', 'src/io'],
  ['src/tokenizer', 'src/filters', 'src/dedup', 'src/quality', 'src/tensor'],
  ['src/shards', 'src/models', 'src/mix'],
  ['src/training'],
  ['src/align'],
  ['src/pipeline', 'src/report'],
  ['src/cli', 'workers'],
  // The public face: src/index.ts re-exports from any floor and nobody imports it.
  ['src'],
];

const ROOTS = ['src', 'workers'];

/** The modules that a source names in `import`, `export … from`, `import()` and `new URL(…, import.meta.url)`. */
export function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const patterns = [
    /\b(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/g,
    /\bimport\s*\(?\s*['"]([^'"]+)['"]/g,
    /\bnew URL\(\s*['"](\.[^'"]+\.[jt]s)['"]\s*,\s*import\.meta\.url/g,
  ];
  return [...new Set(patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1])))];
}

/** Every breach under `root`, one sentence each, in path order; empty when the house stands. */
export function floorProblems(root: string): string[] {
  const files = ROOTS.flatMap((folder) => sources(join(root, folder))).map((path) => posix(relative(root, path)));
  const known = new Set(files);
  const problems: string[] = [];
  const graph = new Map<string, string[]>();

  for (const file of files) {
    const room = roomOf(file);
    const floor = floorOf(room);
    if (floor < 0) {
      problems.push(`${file}: folder ${room} has no floor; give it one in tests/repository/floors.ts`);
      continue;
    }
    const targets: string[] = [];
    for (const specifier of importsOf(readFileSync(join(root, file), 'utf8'))) {
      if (!specifier.startsWith('.')) continue;
      const target = posix(relative(root, resolve(root, dirname(file), specifier)));
      const targetRoom = roomOf(target);
      const targetFloor = ROOTS.includes(target.split('/')[0]) ? floorOf(targetRoom) : -1;
      if (targetFloor < 0) {
        problems.push(`${file} imports ${specifier}, which lies on no floor`);
      } else if (!known.has(target)) {
        problems.push(`${file} imports ${specifier}, but there is no ${target}`);
      } else if (targetFloor > floor) {
        problems.push(`${file} (floor ${floor}) imports upward: ${target} (floor ${targetFloor})`);
      } else if (targetFloor === floor && targetRoom !== room) {
        problems.push(`${file} imports sideways: ${target} (both floor ${floor})`);
      } else {
        targets.push(target);
      }
    }
    graph.set(file, targets);
  }
  return [...problems, ...cyclesOf(graph)];
}

/** Each import cycle once, as `a → b → a`, found by depth-first search. */
function cyclesOf(graph: ReadonlyMap<string, string[]>): string[] {
  const cycles: string[] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      cycles.push(`import cycle: ${[...path.slice(start), file].join(' → ')}`);
      return;
    }
    if (finished.has(file)) return;
    path.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    path.pop();
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return cycles;
}

function roomOf(file: string): string {
  const parts = file.split('/');
  return parts[0] === 'src' && parts.length > 2 ? `src/${parts[1]}` : parts[0];
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

function sources(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function posix(path: string): string {
  return path.split(sep).join('/');
}

/**
 * Environment variables in a pipeline file: `${NAME}` and `${NAME:-default}` in any string value (never in keys).
 * `$${` writes a literal `${`. In a plain (unquoted) scalar the result is read as YAML again, so `limit: ${LIMIT:-1000}`
 * is a number; in quotes it stays a string.
 */
import { isScalar, type Scalar, visit } from 'yaml';
import type { ConfigPath, IssueCollector } from './issues.ts';
import { quote } from './issues.ts';
import { readScalar } from './scalar.ts';
import type { ConfigSource } from './source.ts';

const REFERENCE = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{/g;

/** Replaces variables in the document's scalars, in place. An unset variable without a default is a mistake. */
export function interpolateEnvironment(source: ConfigSource, env: NodeJS.ProcessEnv, issues: IssueCollector): void {
  visit(source.document, {
    Scalar(key, node, parents) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const result = expand(node.value, env, (found, expected) => {
        issues.add(source.placeOf(node), pathOf(node, parents), { found, expected });
      });
      node.value = node.type === 'PLAIN' ? readScalar(result) : result;
    },
  });
}

function expand(text: string, env: NodeJS.ProcessEnv, mistake: (found: string, expected: string) => void): string {
  return text.replaceAll(REFERENCE, (match: string, name: string | undefined, fallback: string | undefined) => {
    if (match === '$${') return '${';
    if (name === undefined) {
      mistake(quote(text), `'$\{NAME}' or '$\{NAME:-default}' ('$$\{' writes a literal '$\{')`);
      return match;
    }
    // As in a shell, `:-` also stands in for a variable that is set but empty.
    const value = env[name];
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback === undefined) {
      mistake(`the environment variable ${name} unset`, `it set, or a default: '\${${name}:-…}'`);
      return match;
    }
    return fallback;
  });
}

function pathOf(node: Scalar, parents: readonly unknown[]): ConfigPath {
  const path: (string | number)[] = [];
  const chain = [...parents, node];
  for (const [depth, parent] of chain.entries()) {
    const next = chain[depth + 1];
    const items = (parent as { items?: unknown[] }).items;
    if (items?.includes(next) && !hasKey(next)) path.push(items.indexOf(next));
    else if (hasKey(parent)) path.push(String(isScalar(parent.key) ? parent.key.value : parent.key));
  }
  return path;
}

function hasKey(node: unknown): node is { key: unknown } {
  return typeof node === 'object' && node !== null && 'key' in node;
}

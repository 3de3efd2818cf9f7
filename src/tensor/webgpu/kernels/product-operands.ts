/** WGSL by which kernels of products read four entries of an operand at once, and write four of the result. */
import type { ProductForm } from './product-form.ts';

/** Whether rows in memory run along k. */
export function runsAlongK({ transposeA, transposeB }: ProductForm, operand: 'a' | 'b'): boolean {
  return operand === 'a' ? !transposeA : transposeB;
}

/**
 * `load_a(line, k, end)`, four entries: from k on of row `line`, or of rows `line` and on at k, as rows in memory run.
 * `base_a(line)` is the part of the index that does not change with k.
 */
export function loader(form: ProductForm, operand: 'a' | 'b'): string {
  const [x, row, lines] = [operand, `p.${operand}_row`, operand === 'a' ? 'p.m' : 'p.n'];
  const head = `fn load_${x}(base: u32, k: u32, end: u32, origin: u32) -> E {`;
  const convert = form.half ? 'vec4h' : '';
  if (runsAlongK(form, operand)) {
    const base = `fn base_${x}(line: u32) -> u32 { return min(line, ${lines} - 1u) * ${row}; }`;
    if (form.isVector && form.isDirect && form.isExact) {
      return `${base}\n${head} return ${convert}(${x}4((origin + base + k) >> 2u)); }`;
    }
    if (form.isVector) {
      const at = `(origin + base + min(k, ((p.k + 3u) & ~3u) - 4u)) >> 2u`;
      return `${base}\n${head} return ${convert}(select(vec4f(), ${x}4(${at}), k < end)); }`;
    }
    return `${base}\n${head}
  let ks = vec4u(k, k + 1u, k + 2u, k + 3u);
  let at = origin + base + min(ks, vec4u(p.k - 1u));
  return ${convert}(select(vec4f(), vec4f(${each('at', x)}), ks < vec4u(end)));
}`;
  }
  if (form.isVector) {
    const base = `fn base_${x}(line: u32) -> u32 { return min(line, ((${lines} + 3u) & ~3u) - 4u); }`;
    if (form.isDirect && form.isExact) {
      return `${base}\n${head} return ${convert}(${x}4((origin + k * ${row} + base) >> 2u)); }`;
    }
    const at = `(origin + min(k, p.k - 1u) * ${row} + base) >> 2u`;
    return `${base}\n${head} return ${convert}(select(vec4f(), ${x}4(${at}), k < end)); }`;
  }
  return `fn base_${x}(line: u32) -> u32 { return line; }\n${head}
  let at = origin + min(k, p.k - 1u) * ${row} + min(vec4u(base, base + 1u, base + 2u, base + 3u), vec4u(${lines} - 1u));
  return ${convert}(select(vec4f(), vec4f(${each('at', x)}), k < end));
}`;
}

export const LETTERS = ['x', 'y', 'z', 'w'] as const;

/** `f(v.x), f(v.y), …` */
function each(vector: string, f: string): string {
  return LETTERS.map((letter) => `${f}(${vector}.${letter})`).join(', ');
}

/** `write(at, column, v)`: four entries of the result from word `at`, in columns `column` and on. */
export function writer({
  isVector,
  hasBias,
  hasAddend,
}: Pick<ProductForm, 'isVector' | 'hasBias' | 'hasAddend'>): string {
  if (isVector) {
    const terms = ['p.alpha * v', hasAddend ? 'addend4(at >> 2u)' : '', hasBias ? 'bias4(column >> 2u)' : ''];
    return `fn write(at: u32, column: u32, v: vec4f) {
  if (column < p.n) { set_out4(at >> 2u, ${terms.filter((term) => term !== '').join(' + ')}); }
}`;
  }
  // Columns past the last repeat it: reads and writes without a branch each, which compilers for software adapters are slow at.
  const four = (f: string, at: string): string =>
    `vec4f(${LETTERS.map((letter) => `${f}(${at} + c.${letter})`).join(', ')})`;
  const terms = ['p.alpha * v', hasAddend ? four('addend', 'at') : '', hasBias ? four('bias', 'column') : ''];
  return `fn write(at: u32, column: u32, v: vec4f) {
  if (column >= p.n) { return; }
  let c = min(vec4u(0u, 1u, 2u, 3u), vec4u(p.n - 1u - column));
  let sum = ${terms.filter((term) => term !== '').join(' + ')};
  ${LETTERS.map((letter) => `set_out(at + c.${letter}, sum[c.${letter}]);`).join('\n  ')}
}`;
}

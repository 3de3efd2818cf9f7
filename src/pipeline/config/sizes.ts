/** Sizes in bytes as people write them: `4194304`, `4MiB`, `256 MB`. Binary units count in 1024s, decimal in 1000s. */
const UNITS: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

export const SIZE_PATTERN = /^\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT][iI]?[bB]|[bB])?\s*$/;

/** Bytes of a size such as `4MiB`; NaN for anything else. Fractions of a byte are rounded. */
export function parseSize(size: number | string): number {
  if (typeof size === 'number') return size;
  const match = SIZE_PATTERN.exec(size);
  if (match === null) return Number.NaN;
  return Math.round(Number(match[1]) * UNITS[(match[2] ?? 'b').toLowerCase()]);
}

/** `4194304` → `'4MiB'` where that is exact, else the number itself: for defaults in help and editors. */
export function exactSize(bytes: number): number | string {
  for (const [name, unit] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${name}`;
  }
  return bytes;
}

/**
 * Options that take sizes: whole numbers whose name ends in `Bytes`, in the pipeline and in every stage. A rule by
 * name needs nothing from those who write stages, and cannot be forgotten.
 */
export function takesSize(name: string, schema: { type?: string | string[] | undefined }): boolean {
  return name.endsWith('Bytes') && schema.type === 'integer';
}

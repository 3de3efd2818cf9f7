/**
 * How numbers are written for people, in every report alike: 1,234 · 12.3 MB · 45 s · 80.1 %. Byte units are decimal
 * (1 MB = 1,000,000 bytes). Nothing depends on the machine's locale. A figure that has no meaning (a share of nothing)
 * is `NO_FIGURE`, never NaN.
 */

export const NO_FIGURE = '–';

/** 1234567 → `1,234,567`. */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return NO_FIGURE;
  return Math.round(count)
    .toFixed(0)
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A count with its noun: `1 file`, `2 files`. */
export function formatCounted(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** Bytes to three significant digits: `999 B`, `1.23 kB`, `12.3 MB`, `123 GB`. Negative values keep their sign. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return NO_FIGURE;
  let value = Math.abs(bytes);
  let unit = 0;
  // 999.5 and above would round to 1000, so it belongs to the next unit.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 ? value.toFixed(0) : threeDigits(value);
  return `${bytes < 0 ? '−' : ''}${digits} ${BYTE_UNITS[unit]}`;
}

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  if (value < 99.95) return value.toFixed(1);
  return formatCount(value);
}

/** Bytes per second: `9.87 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return Number.isFinite(bytesPerSecond) ? `${formatBytes(bytesPerSecond)}/s` : NO_FIGURE;
}

/**
 * `part` of `whole` to one decimal: `80.1 %`. A share that would round to 0 or 100 without being it is written
 * `<0.1 %` or `>99.9 %`, so that a report never claims "nothing" or "all" falsely.
 */
export function formatShare(part: number, whole: number): string {
  const share = part / whole;
  if (!Number.isFinite(share)) return NO_FIGURE;
  if (share === 0) return '0 %';
  if (share === 1) return '100 %';
  if (share > 0 && share < 0.0005) return '<0.1 %';
  if (share > 0.9995 && share < 1) return '>99.9 %';
  return `${(share * 100).toFixed(1)} %`;
}

/** `0.4 s`, `45 s`, `3 min 05 s`, `2 h 14 min`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return NO_FIGURE;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(seconds / 60);
  return `${formatCount(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Seconds for an estimate, rounded up, never with a fraction: `8 s`, `1 min 16 s`. */
export function formatWholeSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole >= 0 && whole < 10 ? `${whole} s` : formatSeconds(whole);
}

/** A measured value or a threshold, to four significant digits: `0.3457`, `12`, `1,234`. */
export function formatMeasure(value: number): string {
  if (!Number.isFinite(value)) return NO_FIGURE;
  if (Number.isInteger(value) || Math.abs(value) >= 1000)
    return value < 0 ? `−${formatCount(-value)}` : formatCount(value);
  return String(Number(value.toPrecision(4))).replace('-', '−');
}

/** The exact size at a power of two, for the tick of a binary axis: `1 B`, `32 KiB`, `1 MiB`. */
export function formatPowerOfTwo(exponent: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const unit = Math.min(Math.floor(exponent / 10), units.length - 1);
  return `${2 ** (exponent - 10 * unit)} ${units[unit]}`;
}

/** A figure, or figures by name. */
export type Figure = number | boolean | string | null | { readonly [name: string]: Figure };

/** What every file of this folder exports; `npm run bench -- NAME [--json]` runs one. */
export interface Bench {
  name: string;
  /** One line: what is measured, beside which peer. */
  summary: string;
  run(args: { json: boolean }): Promise<{
    /** First row: headings. */
    table: (string | number)[][];
    /** Plain numbers in the units their names say, in groups where several things have the same figures. */
    figures: Record<string, Figure>;
    notes?: string[];
  }>;
}

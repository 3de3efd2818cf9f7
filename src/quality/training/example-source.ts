/**
 * Where labelled texts come from: files beside the pipeline, documents of one of its inputs, documents whose meta says so —
 * and, for human labels, a field that names the label itself.
 */
import { z } from 'zod';
import type { Document } from '../../core/document.ts';
import { fieldValue } from '../../core/meta-field.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const source = {
  path: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe('Files of texts, relative to the pipeline file: any format that inputs may have.'),
  textField: z.string().min(1).default('text').describe('Of files: the field that holds the text.'),
  idField: z.string().min(1).default('id').describe('Of files: the field with a unique id.'),
  input: z.string().min(1).optional().describe('An input of this pipeline: its documents as they reach this stage.'),
  field: z
    .string()
    .min(1)
    .optional()
    .describe('Path into meta: only documents that have it, and as equals, min and max say.'),
  equals: z
    .union([scalar, z.array(scalar).min(1)])
    .optional()
    .describe('With field: the value, or any of these.'),
  min: z.number().optional().describe('With field: the smallest value.'),
  max: z.number().optional().describe('With field: the largest value.'),
};

type Shape = { path?: unknown; input?: unknown; field?: unknown; equals?: unknown; min?: unknown; max?: unknown };

function check(given: Shape, context: z.RefinementCtx): void {
  const complain = (path: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  if (given.path === undefined && given.input === undefined && given.field === undefined) {
    complain('path', 'nothing says which texts: give path, input or field');
  }
  if (given.path !== undefined && given.input !== undefined) complain('input', 'path and input exclude each other');
  if (given.field === undefined && (given.equals ?? given.min ?? given.max) !== undefined) {
    complain('field', 'equals, min and max are about a field: name it');
  }
}

/** Texts that all have the label under which the source stands. */
export const exampleSource = z.strictObject(source).superRefine(check);

/** Texts that name their label themselves. */
export const labelledSource = z
  .strictObject({
    ...source,
    labelField: z.string().min(1).describe('Field (path into meta) with the label; texts without one are left out.'),
  })
  .superRefine((given, context) => {
    if (given.path !== undefined || given.input !== undefined || given.field !== undefined) check(given, context);
  });

export type ExampleSource = z.output<typeof exampleSource>;
export type LabelledSource = z.output<typeof labelledSource>;

/** A source with the label of its texts, or the way to find it. */
export interface LabelRule {
  source: ExampleSource | LabelledSource;
  /** The label of every text, or the path into meta to it. */
  label: { fixed: string } | { field: readonly string[] };
}

/** Files that a source names. */
export function pathsOf({ path }: ExampleSource | LabelledSource): string[] {
  return path === undefined ? [] : typeof path === 'string' ? [path] : path;
}

/** The label that a rule gives a document, or undefined. The rule's `path` is not looked at. */
export function createLabeller({ source: given, label }: LabelRule): (document: Document) => string | undefined {
  const path = given.field?.split('.');
  const values = given.equals === undefined ? undefined : new Set([given.equals].flat());
  return ({ meta }) => {
    if (given.input !== undefined && meta['source'] !== given.input) return undefined;
    if (path !== undefined) {
      const value = fieldValue(meta, path);
      if (value === undefined || value === null) return undefined;
      if (values !== undefined && !values.has(value as string)) return undefined;
      if (given.min !== undefined && !(typeof value === 'number' && value >= given.min)) return undefined;
      if (given.max !== undefined && !(typeof value === 'number' && value <= given.max)) return undefined;
    }
    return 'fixed' in label ? label.fixed : labelName(fieldValue(meta, label.field));
  };
}

/** A label as text; undefined where there is none. */
export function labelName(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

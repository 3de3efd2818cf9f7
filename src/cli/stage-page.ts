/** What `corpusmill stages NAME` says of one stage: every option, straight from its declaration. */
import { stringify } from 'yaml';
import type { StageDefinition } from '../core/stage.ts';
import type { JsonSchema } from '../pipeline/config/phrases.ts';
import type { CliContext } from './context.ts';
import { type Colors, colorsFor, columns, print, printJson, widthOf, wrap } from './print.ts';

/** A stage and what a pipeline calls it: its name, or the file that declares it. */
export interface ShownStage {
  definition: StageDefinition;
  called: string;
}

interface OptionJson {
  name: string;
  type: string;
  required: boolean;
  default: unknown;
  description: string | undefined;
  /** Of an object, or of the objects of a list. */
  options?: OptionJson[];
}

/** All of a stage's declaration that is data. */
export async function stageAsJson(definition: StageDefinition) {
  const { name, kind, summary, source, version, reasons } = definition;
  const needs = definition.needs?.map(({ role }) => role);
  const { schema, options } = await optionsOf(definition);
  return { name, kind, summary, source, version, needs, reasons: reasons ?? {}, options, schema };
}

async function optionsOf(definition: StageDefinition): Promise<{ schema: JsonSchema; options: OptionJson[] }> {
  const { inputJsonSchema, typeShort } = await import('../pipeline/config/phrases.ts');
  const { requiredOptions } = await import('../pipeline/config/json-schema.ts');
  const schema = inputJsonSchema(definition.options);
  const list = (of: JsonSchema): OptionJson[] => {
    const required = new Set(requiredOptions(of));
    return Object.entries(of.properties ?? {}).map(([name, option]) => {
      const inner = list(objectOf(option) ?? {});
      return {
        name,
        type: typeShort(option),
        required: required.has(name),
        default: option.default,
        description: option.description,
        ...(inner.length > 0 && { options: inner }),
      };
    });
  };
  return { schema, options: list(schema) };
}

/** The object that an option is, may be, or is a list of. */
function objectOf(option: JsonSchema): JsonSchema | undefined {
  if (option.properties !== undefined) return option;
  const inner = [...(option.anyOf ?? []), ...(typeof option.items === 'object' ? [option.items] : [])];
  return inner.map(objectOf).find((one) => one !== undefined);
}

/** Prints every option of a stage, its default, its source, and a few lines to paste. */
export async function showStage({ definition, called }: ShownStage, json: boolean, context: CliContext): Promise<void> {
  if (json) {
    await printJson(context, await stageAsJson(definition));
    return;
  }
  const colors = colorsFor(context.stdout, context.env);
  const width = widthOf(context.stdout);
  const { options } = await optionsOf(definition);
  const sections = [
    `${colors.bold(definition.name)} ${colors.dim(`(${definition.kind})`)}\n${wrap(definition.summary, width).join('\n')}`,
    section('Source', [wrap(definition.source, width - 2).join('\n  ')], colors),
  ];
  if (options.length > 0) sections.push(`${colors.underline('Options')}\n${optionTable(options, width, colors)}`);
  const reasons = Object.entries(definition.reasons ?? {});
  if (reasons.length > 0) {
    const table = columns(
      reasons.map(([reason, text]) => [`  ${reason}`, text]),
      width,
    );
    sections.push(`${colors.underline('Drops documents for')}\n${table}`);
  }
  if (definition.needs?.length) {
    sections.push(
      section(
        'Needs',
        [`${definition.needs.map(({ role }) => role).join(', ')}, made by an earlier stage or given by an option`],
        colors,
      ),
    );
  }
  sections.push(`${colors.underline('In a pipeline')}\n${yamlExample(called, options)}`);
  await print(context.stdout, `${sections.join('\n\n')}\n`);
}

function section(title: string, lines: readonly string[], colors: Colors): string {
  return `${colors.underline(title)}\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** Name, type and default on one line, the description below: descriptions are sentences and need the width. */
function optionTable(options: readonly OptionJson[], width: number, colors: Colors, indent = '  '): string {
  const nameWidth = Math.max(...options.map((option) => option.name.length));
  return options
    .map((option) => {
      const initial = option.required
        ? colors.yellow('required')
        : option.default === undefined
          ? colors.dim('optional')
          : `default ${yamlScalar(option.default)}`;
      const head = `${indent}${colors.bold(option.name.padEnd(nameWidth))}  ${colors.cyan(option.type)}, ${initial}`;
      const text = option.description === undefined ? [] : wrap(option.description, width - indent.length - 4);
      const inner = option.options === undefined ? [] : [optionTable(option.options, width, colors, `${indent}    `)];
      return [head, ...text.map((line) => `${indent}    ${line}`), ...inner].join('\n');
    })
    .join('\n');
}

/** A value as it is written in a pipeline: quoted only where YAML needs it. */
function yamlScalar(value: unknown): string {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

/** A few lines to paste: the required options, or the first ones with their defaults. */
function yamlExample(called: string, options: readonly OptionJson[]): string {
  const required = options.filter((option) => option.required);
  const shown = required.length > 0 ? required : options.filter((option) => option.default != null).slice(0, 3);
  const lines = shown.map((option) => {
    const value = option.default === undefined ? `… # ${option.type}` : yamlScalar(option.default);
    return `        ${option.name}: ${value}`;
  });
  return ['    stages:', `      - stage: ${called}`, ...lines].join('\n');
}

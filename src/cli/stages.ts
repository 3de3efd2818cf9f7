/** `corpusmill stages`: what stages there are, and with a name what stage-page.ts says of one. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { CorpusmillError, EXIT } from '../core/errors.ts';
import type { StageDefinition } from '../core/stage.ts';
import type { CliContext, ExitCode } from './context.ts';
import { colorsFor, columns, print, printJson, widthOf } from './print.ts';
import type { ShownStage } from './stage-page.ts';

const EXAMPLES = `
Kinds: a map stage looks at one document at a time, a barrier needs the whole corpus, a sink writes a product.

Examples:
  $ corpusmill stages
  $ corpusmill stages filter.gopher-quality
  $ corpusmill stages ./filters/mine.mjs                 a stage of your own, from its file
  $ corpusmill stages --json | jq -r '.stages[].name'`;

export function stagesCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('stages')
    .description('list every stage; with NAME, its options, defaults and source')
    .argument('[name]', 'a stage, or the file of one of your own')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string | undefined, flags: { json?: boolean }) => {
      const registry = context.registry ?? (await import('../pipeline/registry.ts')).stageDefinitions();
      if (name === undefined) await listStages([...registry.values()], flags.json === true, context);
      else {
        const { showStage } = await import('./stage-page.ts');
        await showStage(await stageNamed(name, registry, context.cwd), flags.json === true, context);
      }
      setExitCode(EXIT.ok);
    });
}

async function stageNamed(
  name: string,
  registry: ReadonlyMap<string, StageDefinition>,
  cwd: string,
): Promise<ShownStage> {
  const definition = registry.get(name);
  if (definition !== undefined) return { definition, called: name };
  const { isModulePath, loadStageModule } = await import('../pipeline/stage-module.ts');
  if (isModulePath(name)) return { ...(await loadStageModule(resolve(cwd, name))), called: name };
  const { nearestName } = await import('../pipeline/config/suggest.ts');
  const near = nearestName(name, registry.keys());
  throw new CorpusmillError('USAGE', `there is no stage '${name}'`, {
    hint: near === undefined ? '`corpusmill stages` lists them all' : `did you mean '${near}'?`,
  });
}

async function listStages(definitions: readonly StageDefinition[], json: boolean, context: CliContext): Promise<void> {
  if (json) {
    const { stageAsJson } = await import('./stage-page.ts');
    await printJson(context, { stages: await Promise.all(definitions.map(stageAsJson)) });
    return;
  }
  const colors = colorsFor(context.stdout, context.env);
  const rows = definitions.map(({ name, kind, summary }) => [name, kind, summary]);
  const paint = (cell: string, column: number): string =>
    column === 0 ? colors.bold(cell) : column === 1 ? colors.dim(cell) : cell;
  await print(context.stdout, `${columns(rows, widthOf(context.stdout), paint)}\n`);
  await print(context.stdout, `\n${colors.dim('corpusmill stages NAME shows the options of one.')}\n`);
}

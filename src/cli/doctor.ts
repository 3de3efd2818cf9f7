/** `corpusmill doctor`: which backends work on this machine, and for those that do not, why and what to do about it. */
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { corpusmillVersion } from '../core/version.ts';
import type { BackendDiagnosis, Diagnosis } from '../tensor/doctor/diagnose.ts';
import type { CliContext, ExitCode } from './context.ts';
import { colorsFor, columns, print, printJson, widthOf } from './print.ts';

const EXAMPLES = `
The exit code is 0 where a compiled backend works: the native add-on, or a GPU that is not software. WebGPU is tried in a
process of its own, so that a broken driver cannot take the answer with it.

Examples:
  $ corpusmill doctor
  $ corpusmill doctor --json
  $ VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json corpusmill doctor`;

export function doctorCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('doctor')
    .description('say which backends work here, and how to get those that do not')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: { json?: boolean }) => {
      const diagnosis = await examine(context.env);
      if (flags.json === true) await printJson(context, { ...about(), ...diagnosis });
      else await print(context.stdout, textOf(diagnosis, context));
      const hasCompiled = diagnosis.backends.some(
        ({ backend, works, isSoftware }) => backend !== 'reference' && works && isSoftware !== true,
      );
      setExitCode(hasCompiled ? EXIT.ok : EXIT.check);
    });
}

async function examine(env: NodeJS.ProcessEnv): Promise<Diagnosis> {
  const [{ checkNative }, { probeWebGpu }, { readVulkanSetup }, { diagnose }] = await Promise.all([
    import('../tensor/doctor/native-check.ts'),
    import('../tensor/doctor/webgpu-probe.ts'),
    import('../tensor/doctor/vulkan-setup.ts'),
    import('../tensor/doctor/diagnose.ts'),
  ]);
  const { platform } = process;
  const vulkan = platform === 'linux' ? readVulkanSetup(env) : undefined;
  return diagnose({ native: await checkNative(env), webgpu: await probeWebGpu({ env }), vulkan, platform });
}

function about(): { version: string; node: string; platform: string } {
  return { version: corpusmillVersion(), node: process.version, platform: `${process.platform}-${process.arch}` };
}

function textOf({ backends, auto }: Diagnosis, { stdout, env }: CliContext): string {
  const colors = colorsFor(stdout, env);
  const { version, node, platform } = about();
  const mark = ({ works, isSoftware }: BackendDiagnosis): string =>
    works ? (isSoftware === true ? colors.yellow('tests only') : colors.green('works     ')) : colors.red('no        ');
  const width = widthOf(stdout);
  const blocks = backends.map((diagnosis) => {
    const { backend, summary, fix, facts } = diagnosis;
    const rows = Object.entries(facts).flatMap(([name, value]) => {
      const text = shown(value);
      return text === '' ? [] : [[`  ${label(name)}`, text]];
    });
    if (fix !== undefined) rows.unshift(['  to do', fix]);
    const head = `${colors.bold(backend.padEnd(9))}  ${mark(diagnosis)}  ${summary}`;
    return rows.length === 0
      ? head
      : `${head}\n${columns(rows, width, (cell, i) => (i === 0 ? colors.dim(cell) : cell))}`;
  });
  return `corpusmill ${version}, Node ${node}, ${platform}\n\n${blocks.join('\n\n')}\n\n--backend auto takes ${colors.bold(auto)} here\n`;
}

/** `maxBufferSize` as `max buffer size`. */
function label(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function shown(value: BackendDiagnosis['facts'][string]): string {
  if (typeof value === 'number') return value.toLocaleString('en-US');
  return Array.isArray(value) ? value.join(', ') : String(value);
}

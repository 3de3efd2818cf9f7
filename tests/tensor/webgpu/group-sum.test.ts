/** Reductions over lanes, as kernels of a stand-in operation, with subgroups where the adapter has them and without. */
import { afterAll, expect, it } from 'vitest';
import { bind } from '../../../src/tensor/webgpu/bindings.ts';
import { moduleOf, reads, SCRATCH, writes } from '../../../src/tensor/webgpu/kernel.ts';
import { type GroupReductionShape, groupReduction } from '../../../src/tensor/webgpu/kernels/group-sum.ts';
import { wholeNumbers } from '../graph-run.ts';
import { describeWithWebGpu, openTestDevice } from './device.ts';

const GROUPS = 3;

describeWithWebGpu('reductions over lanes', async () => {
  const { device, features } = await openTestDevice();
  afterAll(() => device.destroy());

  /** What every lane gets of one value each. */
  async function run(shape: GroupReductionShape, hasSubgroups: boolean, values: Int32Array): Promise<Int32Array> {
    const reduction = groupReduction({ features: new Set(hasSubgroups ? ['subgroups'] : []) }, shape);
    const { type, lanes } = shape;
    const whole = { f32: 'i32', u32: 'i32', i32: 'i32', vec2f: 'i32', vec4f: 'i32' }[type];
    const isVector = type.startsWith('vec');
    const [there, back] = isVector ? [`${type}(f32(x(entry)))`, 'y[1]'] : [`${type}(x(entry))`, 'y'];
    const kernel = {
      name: 'test',
      operands: [reads('x', 'i32'), writes('out', 'i32')],
      parameters: {},
      workgroupSize: [lanes] as const,
      enables: reduction.enables,
      declarations: reduction.declarations,
      // Twice in a row, so that one call may not disturb the next.
      body: `let once = ${reduction.of(there)};
  let y = ${reduction.of(`${there} + once - once`)};
  set_out(entry, ${whole}(${back}));`,
    };
    const places = {
      x: { slot: SCRATCH, offset: 0, length: values.length },
      out: { slot: 1, offset: 0, length: values.length },
    };
    const limits = { maxBindingWords: 1 << 20, alignmentWords: 64, maxBindings: 8 };
    const code = moduleOf(
      kernel,
      bind(kernel, places, limits).operands.map(({ binding }) => binding),
    );
    const pipeline = device.createComputePipeline({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
    });
    const storage = 0x80 | 0x04 | 0x08;
    const buffers = [0x40 | 0x08, storage, storage].map((usage) =>
      device.createBuffer({ size: Math.max(256, 4 * values.length), usage }),
    );
    device.queue.writeBuffer(buffers[1], 0, values.buffer);
    const page = device.createBuffer({ size: buffers[2].size, usage: 0x01 | 0x08 });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(GROUPS);
    pass.end();
    encoder.copyBufferToBuffer(buffers[2], 0, page, 0, page.size);
    device.queue.submit([encoder.finish()]);
    await page.mapAsync(1);
    return new Int32Array(page.getMappedRange().slice(0, 4 * values.length));
  }

  const shapes = [
    { kind: 'sum', type: 'f32', lanes: 256 },
    { kind: 'sum', type: 'vec4f', lanes: 256, segment: 32 },
    { kind: 'sum', type: 'vec2f', lanes: 128 },
    { kind: 'sum', type: 'u32', lanes: 64, segment: 8 },
    { kind: 'sum', type: 'f32', lanes: 64, segment: 2 },
    { kind: 'max', type: 'f32', lanes: 256, segment: 64 },
    { kind: 'max', type: 'i32', lanes: 256, segment: 1 },
    { kind: 'min', type: 'i32', lanes: 128, segment: 16 },
  ] as const satisfies readonly GroupReductionShape[];
  const cases = shapes.flatMap((shape) => [false, true].map((hasSubgroups) => [shape, hasSubgroups] as const));
  it.each(cases)('%j, subgroups: %s', async (shape, hasSubgroups) => {
    if (hasSubgroups && !features.has('subgroups')) return;
    const { kind, type, lanes } = shape;
    const segment = 'segment' in shape ? shape.segment : lanes;
    const values = wholeNumbers(GROUPS * lanes, 5, type === 'u32' ? 0 : -900, 900);
    const wanted = values.map((_, i) => {
      const mine = values.subarray(i - (i % segment), i - (i % segment) + segment);
      return kind === 'sum' ? mine.reduce((sum, value) => sum + value) : Math[kind](...mine);
    });
    expect(await run(shape, hasSubgroups, values)).toEqual(wanted);
  });
});

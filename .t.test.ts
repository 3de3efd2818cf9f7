import {test} from 'vitest';
import {loadPipeline} from './src/pipeline/config/load.ts';
import {fakeRegistry as registry} from './tests/pipeline/config/fake-stages.ts';
test('x', async()=>{ try { console.log(JSON.stringify(await loadPipeline('/tmp/bad.yaml',{registry, cwd:'/tmp', set:['run.wrkers=2','stages.filter.word-count.minWords=x','stages.gopher.x=1','stages.tidy.form=NFKC','foo']}),null,1)); } catch(e) { console.log((e as Error).stack?.slice(0,6000)); } });

// DescribeRelease, behind `trunkline show`: git is asked outside the store's lock.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { until } from '../lib/expect.js';
import { World, stages } from '../lib/release.js';
import { Server, run, temporary } from '../lib/server.js';

// A git that says, while `hold` is there, that it was asked for a log, and waits until `hold` is gone.
async function slowGit(dir) {
    const real = (await run('sh', ['-c', 'command -v git'])).stdout.trim();
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'git'), `#!/bin/sh
case " $* " in *" log "*) if [ -e ${dir}/hold ]; then : >${dir}/asked; while [ -e ${dir}/hold ]; do sleep 0.05; done; fi;; esac
exec ${real} "$@"
`);
    chmodSync(join(bin, 'git'), 0o755);
    return bin;
}

test('a git that takes its time keeps nobody else waiting', async (t) => {
    const dir = temporary(t);
    const bin = await slowGit(dir);
    const server = await Server.start(t, { env: { PATH: `${bin}:${process.env.PATH}` } });
    const world = await World.make(server);
    await world.pipeline([stages.source(world), stages.approval()]);
    const [execution] = await until('the source action is done', async () => {
        const list = await world.executions();
        return list[0]?.sourceRevisions?.length > 0 && list;
    });
    const id = execution.pipelineExecutionId;
    writeFileSync(join(dir, 'hold'), '');
    t.after(() => rmSync(join(dir, 'hold'), { force: true }));
    const shown = server.tl('show', id);
    await until('git is asked for the log', () => existsSync(join(dir, 'asked')));
    await server.client(SSMClient, 'development').send(
        new PutParameterCommand({ Name: '/meanwhile', Value: '1', Type: 'String' }), { abortSignal: AbortSignal.timeout(10_000) });
    rmSync(join(dir, 'hold'));
    const done = await shown;
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /first/);
    assert.match(done.stdout, /Ada Lovelace/);
});

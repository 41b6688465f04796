// The stories of examples/engine run to their end, and say what they are there to show.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { PROGRAM, ROOT, run } from '../lib/server.js';
import { without, withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds() || without('aws') || without('jq') || without('git');

const stories = {
    superseding: [/waits in front of Production-Approve/, / Superseded\n/, /is held by release/],
    queued: [/1 release is before it/, /Retired release .* in favour of/],
    'rollback-on-alarm': [/release \w{8} {2}Failed/, /production runs version 1 again/],
    'deployment-window': [/is not met yet: The window .* is closed/, /Overrode the condition of shop \/ Production/],
    'plan-guard': [/This is a plan stage \(PLAN=true\)/, /nothing was deployed/, /production was deployed with what was planned/],
    'bound-approval': [/was lineage 5f1c serial 7, is lineage 5f1c serial 8/, /not answered/, /Approved shop \/ Production-Approve/],
};

for (const [name, says] of Object.entries(stories)) {
    test(`examples/engine/${name}.sh`, { skip }, async () => {
        const done = await run(join(ROOT, 'examples/engine', `${name}.sh`), [], { env: { TRUNKLINE: PROGRAM }, timeout_ms: 240_000 });
        assert.equal(done.status, 0, done.stdout + done.stderr);
        for (const text of says) {
            assert.match(done.stdout + done.stderr, text);
        }
    });
}

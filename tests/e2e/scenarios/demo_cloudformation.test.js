// The demo on a machine without Terraform; and data that is no demo's is left alone.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { demo, pathWithout, tellsAll } from '../lib/demo.js';
import { PROGRAM, run, temporary } from '../lib/server.js';
import { without, withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds() || without('aws') || without('jq') || without('git') || without('zip');

test('the demo, without Terraform', { skip }, async (t) => {
    const ran = await demo(t, { env: { PATH: pathWithout(t, 'terraform') } });
    assert.match(ran.text, /Terraform with its AWS provider is not on this machine: steps 3 to 5 use CloudFormation/);
    assert.doesNotMatch(ran.text, /scripts\/terraform_/);
    tellsAll(ran);
});

test('the demo throws nothing away that is no demo\'s', { skip }, async (t) => {
    const data = join(temporary(t), 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'trunkline.db'), 'precious');
    const done = await run(PROGRAM, ['demo', '--data', data]);
    assert.equal(done.status, 1, done.stdout);
    assert.match(done.stderr, /is no demo's: name another directory with --data/);
    assert.equal(readFileSync(join(data, 'trunkline.db'), 'utf8'), 'precious');
});

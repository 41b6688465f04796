// Each state of executions, stages, actions, approvals, jobs, conditions and transitions, and how it is
// come by: tests/transitions.md says which of these tests shows which. The work is done by hand.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { refuses, until } from '../lib/expect.js';
import { Hand, hands, work } from '../lib/hand.js';
import { stages } from '../lib/release.js';
import { temporary } from '../lib/server.js';
import { fault, without, withoutFault } from '../lib/tools.js';

const skip = without('git');
const rule = (provider, configuration, extra = {}) => ({
    name: provider, ruleTypeId: { category: 'Rule', owner: 'AWS', provider, version: '1' }, configuration, ...extra,
});
const condition = (result, ...rules) => ({ conditions: [{ result, rules }] });
const says = (Value) => rule('VariableCheck', { Variable: '#{variables.say}', Operator: 'EQ', Value });
const asked = { variables: [{ name: 'say', defaultValue: 'yes' }] };

test('an execution that nothing holds up goes from InProgress to Succeeded', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A')])]);
    const id = await hand.world.newest();
    const job = await hand.take(id, 'A');
    assert.equal((await hand.world.execution(id)).status, 'InProgress');
    await hand.stage(id, 'Source', 'Succeeded');
    await hand.stage(id, 'Work', 'InProgress');
    await hand.action(id, 'A', 'InProgress');
    await hand.succeed(job);
    await hand.became(id, 'Succeeded');
    await hand.stage(id, 'Work', 'Succeeded');
    await hand.action(id, 'A', 'Succeeded');
    await hand.hears(id, 'Pipeline STARTED', 'Stage Source STARTED', 'Action Source/Trunk STARTED', 'Action Source/Trunk SUCCEEDED',
        'Stage Source SUCCEEDED', 'Stage Work STARTED', 'Action Work/A STARTED', 'Action Work/A SUCCEEDED', 'Stage Work SUCCEEDED',
        'Pipeline SUCCEEDED');
    await refuses(hand.stop(id, true), 'PipelineExecutionNotStoppableException', { status: 400 });
    await refuses(hand.retry(id, 'Work'), 'StageNotRetryableException', { status: 400 });
});

test('run orders: a group starts when all of the one before have succeeded', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A', 2), work('B', 2), work('C', 7)])]);
    const id = await hand.world.newest();
    const [a, b] = [await hand.take(id, 'A'), await hand.take(id, 'B')];
    const started = async () => (await hand.world.actions(id)).map((x) => x.actionName).sort();
    await hand.succeed(a);
    await hand.action(id, 'A', 'Succeeded');
    assert.deepEqual(await started(), ['A', 'B', 'Trunk']);
    await hand.succeed(b);
    await hand.did(id, 'C');
    await hand.became(id, 'Succeeded');
});

test('a failed action lets its sibling end, then the stage and the execution have failed', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A'), work('B'), work('C', 2)]), hands('Last', [work('D')])]);
    const id = await hand.world.newest();
    const [a, b] = [await hand.take(id, 'A'), await hand.take(id, 'B')];
    await hand.fail(a, 'no flour');
    const failed = await hand.action(id, 'A', 'Failed');
    assert.deepEqual(failed.output.executionResult.errorDetails, { code: 'JobFailed', message: 'no flour' });
    await hand.stage(id, 'Work', 'InProgress');
    assert.equal((await hand.world.execution(id)).status, 'InProgress');
    await refuses(hand.retry(id, 'Work', 'ALL_ACTIONS'), 'StageNotRetryableException', { status: 400 });
    await hand.succeed(b);
    await hand.became(id, 'Failed');
    await hand.stage(id, 'Work', 'Failed');
    await hand.hears(id, 'Action Work/A FAILED', 'Action Work/B SUCCEEDED', 'Stage Work FAILED', 'Pipeline FAILED');

    await t.test('a retry of the failed actions runs those, under the same id, as one more attempt', async () => {
        assert.equal((await hand.retry(id, 'Work')).pipelineExecutionId, id);
        const again = await hand.take(id, 'A');
        await hand.became(id, 'InProgress');
        await hand.stage(id, 'Work', 'InProgress');
        const attempts = (await hand.world.actions(id)).filter((x) => x.actionName === 'A');
        assert.deepEqual(attempts.map((x) => x.status), ['InProgress', 'Failed']);
        assert.notEqual(attempts[0].actionExecutionId, attempts[1].actionExecutionId);
        await hand.hears(id, 'Pipeline FAILED', 'Pipeline RESUMED', 'Stage Work RESUMED', 'Action Work/A STARTED');
        assert.equal((await hand.told(id)).find((e) => e.what === 'Pipeline RESUMED').detail['pipeline-execution-attempt'], 2);
        assert.deepEqual((await hand.world.stage('Work')).retryStageMetadata, { manualStageRetryAttempt: 1, latestRetryTrigger: 'ManualStageRetry' });
        await hand.succeed(again);
        await hand.fail(await hand.take(id, 'C'));
        await hand.became(id, 'Failed');
        assert.equal((await hand.world.actions(id)).filter((x) => x.actionName === 'B').length, 1);
    });

    await t.test('a retry of all actions runs the stage from its first one', async () => {
        await hand.retry(id, 'Work', 'ALL_ACTIONS');
        await hand.did(id, 'A', 'B', 'C', 'D');
        await hand.became(id, 'Succeeded');
        const count = async (name) => (await hand.world.actions(id)).filter((x) => x.actionName === name).length;
        assert.deepEqual([await count('A'), await count('B'), await count('C')], [3, 2, 2]);
    });

    await t.test('a failed action is retried beside its sibling, which goes on', async () => {
        const next = await hand.start();
        const [first, sibling] = [await hand.take(next, 'A'), await hand.take(next, 'B')];
        await hand.fail(first);
        await hand.action(next, 'A', 'Failed');
        await hand.retry(next, 'Work');
        const again = await hand.take(next, 'A');
        await hand.hears(next, 'Action Work/A FAILED', 'Stage Work RESUMED', 'Action Work/A STARTED');
        await hand.succeed(sibling);
        await hand.succeed(again);
        await hand.did(next, 'C', 'D');
        await hand.became(next, 'Succeeded');
        assert.equal((await hand.world.actions(next)).filter((x) => x.actionName === 'B').length, 1);
    });
});

test('a failed stage may be retried until another execution has entered it', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A')])]);
    const first = await hand.world.newest();
    await hand.fail(await hand.take(first, 'A'));
    await hand.became(first, 'Failed');
    const second = await hand.start();
    const job = await hand.take(second, 'A');
    await refuses(hand.retry(first, 'Work'), 'NotLatestPipelineExecutionException', { status: 400 });
    await hand.succeed(job);
    await hand.became(second, 'Succeeded');
    await refuses(hand.retry(first, 'Work'), 'NotLatestPipelineExecutionException', { status: 400 });
    await refuses(hand.retry(second, 'None'), 'StageNotFoundException', { status: 400 });
});

test('a stop that waits: Stopping until the action ends, then Stopped, and retryable', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A'), work('B', 2)])]);
    const id = await hand.world.newest();
    const job = await hand.take(id, 'A');
    assert.equal((await hand.stop(id, false, 'look at it')).pipelineExecutionId, id);
    assert.equal((await hand.world.execution(id)).status, 'Stopping');
    await hand.stage(id, 'Work', 'Stopping');
    await refuses(hand.stop(id, false), 'DuplicatedStopRequestException', { status: 400 });
    await hand.action(id, 'A', 'InProgress');
    await hand.succeed(job);
    await hand.became(id, 'Stopped');
    await hand.stage(id, 'Work', 'Stopped');
    await hand.action(id, 'A', 'Succeeded');
    assert.equal((await hand.world.actions(id)).find((x) => x.actionName === 'B'), undefined);
    await hand.hears(id, 'Pipeline STOPPING', 'Stage Work STOPPING', 'Action Work/A SUCCEEDED', 'Stage Work STOPPED', 'Pipeline STOPPED');
    assert.equal((await hand.told(id)).find((e) => e.what === 'Pipeline STOPPING').detail['stop-execution-comments'], 'look at it');
    await refuses(hand.stop(id, true), 'PipelineExecutionNotStoppableException', { status: 400 });
    await hand.retry(id, 'Work');
    await hand.did(id, 'B');
    await hand.became(id, 'Succeeded');
    assert.equal((await hand.world.actions(id)).filter((x) => x.actionName === 'A').length, 1);
});

test('a stop that abandons ends the action, also after one that waits', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A')])]);
    const id = await hand.world.newest();
    const job = await hand.take(id, 'A');
    await hand.stop(id, false);
    assert.equal((await hand.world.execution(id)).status, 'Stopping');
    await hand.stop(id, true, 'at once');
    await hand.became(id, 'Stopped');
    await hand.action(id, 'A', 'Abandoned');
    await hand.stage(id, 'Work', 'Stopped');
    await hand.hears(id, 'Pipeline STOPPING', 'Stage Work STOPPING', 'Action Work/A ABANDONED', 'Stage Work STOPPED', 'Pipeline STOPPED');
    await refuses(hand.succeed(job), 'InvalidJobStateException', { status: 400, message: /TimedOut/ });
    await hand.retry(id, 'Work');
    await hand.did(id, 'A');
    await hand.became(id, 'Succeeded');
});

test('one that is stopped while it waits in front of a stage is Stopped at once, and not retryable', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A')])]);
    const first = await hand.world.newest();
    const job = await hand.take(first, 'A');
    const second = await hand.start();
    await hand.inbound('Work', second);
    await hand.stop(second, false);
    await hand.became(second, 'Stopped');
    await hand.inbound('Work');
    await hand.succeed(job);
    await hand.became(first, 'Succeeded');
    await refuses(hand.retry(second, 'Work'), 'NotLatestPipelineExecutionException', { status: 400 });
});

test('between stages the newer execution supersedes the older one', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A')])]);
    const first = await hand.world.newest();
    const job = await hand.take(first, 'A');
    const second = await hand.start();
    await hand.inbound('Work', second);
    const third = await hand.start();
    await hand.became(second, 'Superseded');
    await hand.inbound('Work', third);
    await hand.hears(second, 'Pipeline STARTED', 'Stage Source SUCCEEDED', 'Pipeline SUPERSEDED');
    await hand.succeed(job);
    await hand.did(third, 'A');
    await hand.became(third, 'Succeeded');
});

test('a closed transition holds executions until it is opened, and then the latest one enters', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A')])]);
    await hand.did(await hand.world.newest(), 'A');
    const transition = { stageName: 'Work', transitionType: 'Inbound' };
    const shown = async () => (await hand.world.stage('Work')).inboundTransitionState;
    assert.equal((await shown()).enabled, true);
    await hand.on(cp.DisableStageTransitionCommand, { ...transition, reason: 'freeze' });
    assert.equal((await shown()).enabled, false);
    assert.equal((await shown()).disabledReason, 'freeze');
    assert.match((await shown()).lastChangedBy, /^arn:aws:iam::111111111111:/);
    assert.ok((await shown()).lastChangedAt instanceof Date);
    const second = await hand.start();
    await hand.inbound('Work', second);
    assert.equal((await hand.world.execution(second)).status, 'InProgress');
    const third = await hand.start();
    await hand.became(second, 'Superseded');
    await hand.inbound('Work', third);
    await hand.on(cp.EnableStageTransitionCommand, transition);
    assert.equal((await shown()).enabled, true);
    await hand.did(third, 'A');
    await hand.became(third, 'Succeeded');

    const outbound = { stageName: 'Source', transitionType: 'Outbound' };
    await hand.on(cp.DisableStageTransitionCommand, { ...outbound, reason: 'freeze' });
    const fourth = await hand.start();
    await hand.inbound('Work', fourth);
    await hand.on(cp.EnableStageTransitionCommand, outbound);
    await hand.did(fourth, 'A');
    await hand.became(fourth, 'Succeeded');
    for (const Command of [cp.EnableStageTransitionCommand, cp.DisableStageTransitionCommand]) {
        await refuses(hand.on(Command, { ...transition, stageName: 'None', reason: 'x' }), 'StageNotFoundException', { status: 400 });
        await refuses(hand.on(Command, { ...transition, pipelineName: 'none', reason: 'x' }), 'PipelineNotFoundException', { status: 400 });
    }
});

for (const executionMode of ['SUPERSEDED', 'QUEUED']) {
    test(`an update of a pipeline in mode ${executionMode} lets what runs end, and cancels every execution`, { skip }, async (t) => {
        const list = [hands('Work', [work('A'), work('B', 2)])];
        const hand = await Hand.make(t, list, { executionMode });
        const first = await hand.world.newest();
        const job = await hand.take(first, 'A');
        const second = await hand.start();
        await hand.inbound('Work', second);
        assert.equal(await hand.update(list, { executionMode }), 2);
        await hand.became(second, 'Cancelled');
        await hand.hears(second, 'Pipeline CANCELED');
        assert.equal((await hand.world.execution(first)).status, 'InProgress');
        await hand.action(first, 'A', 'InProgress');
        await hand.succeed(job);
        await hand.became(first, 'Cancelled');
        await hand.stage(first, 'Work', 'Cancelled');
        await hand.action(first, 'A', 'Succeeded');
        assert.equal((await hand.world.actions(first)).find((x) => x.actionName === 'B'), undefined);
        await hand.hears(first, 'Action Work/A SUCCEEDED', 'Stage Work CANCELED', 'Pipeline CANCELED');
        await refuses(hand.retry(first, 'Work'), 'StageNotRetryableException', { status: 400 });
        const third = await hand.start();
        await hand.did(third, 'A', 'B');
        await hand.became(third, 'Succeeded');
        assert.equal((await hand.world.execution(third)).pipelineVersion, 2);
        assert.equal((await hand.world.execution(first)).pipelineVersion, 1);
    });
}

test('an update cancels also what is being stopped', { skip }, async (t) => {
    const list = [hands('Work', [work('A')])];
    const hand = await Hand.make(t, list);
    const id = await hand.world.newest();
    const job = await hand.take(id, 'A');
    await hand.stop(id, false);
    await hand.stage(id, 'Work', 'Stopping');
    await hand.update(list);
    assert.equal((await hand.world.execution(id)).status, 'Stopping');
    await hand.succeed(job);
    await hand.became(id, 'Cancelled');
    await hand.stage(id, 'Work', 'Cancelled');
});

test('of QUEUED executions fifty are active at once, and no more', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A')])], { executionMode: 'QUEUED' });
    const first = await hand.world.newest();
    const job = await hand.take(first, 'A');
    const ids = [];
    for (let i = 1; i < 50; i += 1) {
        ids.push(await hand.start());
    }
    await refuses(hand.start(), 'ConcurrentPipelineExecutionsLimitExceededException', { status: 400 });
    await hand.fail(job);
    await hand.became(first, 'Failed');
    const last = await hand.start();
    await refuses(hand.start(), 'ConcurrentPipelineExecutionsLimitExceededException', { status: 400 });
    // In the order of their starts: the next one is in the stage, the others in front of it.
    const waiting = await until('all of them', async () => {
        const { latestExecution, inboundExecutions = [] } = await hand.world.stage('Work');
        return inboundExecutions.length === 49 ? [latestExecution, ...inboundExecutions].map((e) => e.pipelineExecutionId) : null;
    });
    assert.deepEqual(waiting, [...ids, last]);
});

test('an approval that waits when the pipeline is updated is cancelled', { skip }, async (t) => {
    const hand = await Hand.make(t, [stages.approval()]);
    const id = await hand.world.newest();
    const token = await hand.world.waiting(id);
    await hand.update([stages.approval()]);
    await hand.became(id, 'Cancelled');
    await hand.action(id, 'Person', 'Abandoned');
    await hand.stage(id, 'Approve', 'Cancelled');
    await hand.hears(id, 'Action Approve/Person STARTED', 'Action Approve/Person CANCELED', 'Stage Approve CANCELED', 'Pipeline CANCELED');
    await refuses(hand.world.answer(token), 'InvalidApprovalTokenException', { status: 400 });
});

test('executions of PARALLEL go on when the pipeline is updated, also to another mode', { skip }, async (t) => {
    const list = [hands('Work', [work('A'), work('B', 2)])];
    const hand = await Hand.make(t, list, { executionMode: 'PARALLEL' });
    const first = await hand.world.newest();
    const job = await hand.take(first, 'A');
    assert.equal(await hand.update(list, { executionMode: 'PARALLEL' }), 2);
    await hand.succeed(job);
    const next = await hand.take(first, 'B');
    const second = await hand.start();
    const other = await hand.take(second, 'A');
    assert.equal(await hand.update(list, { executionMode: 'SUPERSEDED' }), 3);
    await hand.succeed(next);
    await hand.became(first, 'Succeeded');
    await hand.succeed(other);
    await hand.did(second, 'B');
    await hand.became(second, 'Succeeded');
    assert.deepEqual((await hand.world.executions()).map((e) => e.executionMode), ['PARALLEL', 'PARALLEL']);
    const third = await hand.start();
    await hand.did(third, 'A', 'B');
    await hand.became(third, 'Succeeded');
    assert.equal((await hand.world.stage('Work')).latestExecution.pipelineExecutionId, third);
});

test('a waiting approval ends by an answer, a stop or a retry, each time with another token', { skip }, async (t) => {
    const hand = await Hand.make(t, [stages.approval()]);
    const id = await hand.world.newest();
    const first = await hand.world.waiting(id);
    await refuses(hand.world.answer('00000000-0000-0000-0000-000000000000'), 'InvalidApprovalTokenException', { status: 400 });
    assert.ok((await hand.world.answer(first, 'Rejected', 'not yet')).approvedAt instanceof Date);
    await hand.became(id, 'Failed');
    const rejected = await hand.action(id, 'Person', 'Failed');
    assert.equal(rejected.output.executionResult.externalExecutionSummary, 'not yet');
    await hand.hears(id, 'Action Approve/Person FAILED', 'Stage Approve FAILED', 'Pipeline FAILED');
    await hand.retry(id, 'Approve');
    const second = await until('another token', async () => {
        const token = await hand.world.waiting(id);
        return token !== first ? token : null;
    });
    await refuses(hand.world.answer(first), 'ApprovalAlreadyCompletedException', { status: 400 });
    await hand.stop(id, false);
    await hand.became(id, 'Stopped');
    await hand.action(id, 'Person', 'Abandoned');
    await refuses(hand.world.answer(second), 'InvalidApprovalTokenException', { status: 400 });
    await hand.retry(id, 'Approve');
    const third = await hand.world.waiting(id);
    assert.equal(new Set([first, second, third]).size, 3);
    await hand.world.answer(third);
    await hand.became(id, 'Succeeded');
    await hand.hears(id, 'Action Approve/Person ABANDONED', 'Stage Approve STOPPED', 'Pipeline STOPPED', 'Pipeline RESUMED',
        'Action Approve/Person SUCCEEDED');
});

test('what nobody answers in its time has failed', { skip: skip || withoutFault('clock_ahead') }, async (t) => {
    const file = join(temporary(t), 'ahead');
    const ahead = (ms) => writeFileSync(file, Buffer.from(new BigInt64Array([BigInt(ms)]).buffer), { flag: 'r+' });
    writeFileSync(file, Buffer.alloc(8));
    const asks = stages.approval();
    asks.actions[0].timeoutInMinutes = 5;
    const hand = await Hand.make(t, [asks, hands('Work', [work('A')])], {}, { env: { LD_PRELOAD: fault('clock_ahead'), CLOCK_AHEAD: file } });
    // A clock that went ahead is that of the server: so does that of who signs.
    const goes = (seconds) => {
        ahead(seconds * 1000);
        const later = hand.server.client(cp.CodePipelineClient, 'shared-services', { systemClockOffset: seconds * 1000 });
        Object.defineProperty(hand.world, 'pipelines', { value: later, configurable: true });
    };
    const id = await hand.world.newest();
    const token = await hand.world.waiting(id);

    await t.test('an approval, after the minutes that its action gives', async () => {
        goes(200);
        const [before] = (await hand.world.stage('Approve')).actionStates;
        assert.equal(before.latestExecution.status, 'InProgress');
        goes(301);
        await hand.became(id, 'Failed');
        await hand.action(id, 'Person', 'Failed');
        await hand.stage(id, 'Approve', 'Failed');
        await refuses(hand.world.answer(token), 'InvalidApprovalTokenException', { status: 400 });
        await hand.retry(id, 'Approve');
        await hand.world.answer(await hand.world.waiting(id));
    });

    await t.test('a job that was dispatched and not acknowledged is queued again after a minute, with another nonce', async () => {
        const job = await hand.job(id, 'A');
        assert.deepEqual((await hand.send(cp.PollForJobsCommand, { actionTypeId: job.data.actionTypeId })).jobs, []);
        goes(301 + 61);
        const again = await hand.job(id, 'A');
        assert.equal(again.id, job.id);
        assert.notEqual(again.nonce, job.nonce);
        await refuses(hand.send(cp.AcknowledgeJobCommand, { jobId: job.id, nonce: job.nonce }), 'InvalidNonceException', { status: 400 });
        assert.equal((await hand.send(cp.AcknowledgeJobCommand, { jobId: again.id, nonce: again.nonce })).status, 'InProgress');
        await refuses(hand.send(cp.AcknowledgeJobCommand, { jobId: again.id, nonce: again.nonce }), 'InvalidNonceException', { status: 400 });
        goes(301 + 61 + 24 * 3600 + 1);
        await hand.became(id, 'Failed');
        const late = await hand.action(id, 'A', 'Failed');
        assert.match(late.output.executionResult.errorDetails.message, /timed out/);
        await refuses(hand.succeed(again), 'InvalidJobStateException', { status: 400, message: /TimedOut/ });
    });
});

test('a job is Queued, Dispatched, InProgress, and then Succeeded or Failed', { skip }, async (t) => {
    const hand = await Hand.make(t, [hands('Work', [work('A'), work('B')])]);
    const id = await hand.world.newest();
    await hand.action(id, 'A', 'InProgress');
    const [a, b] = [await hand.job(id, 'A'), await hand.job(id, 'B')];
    for (const job of [a, b]) {
        await refuses(hand.succeed(job), 'InvalidJobStateException', { status: 400, message: /Dispatched/ });
        await refuses(hand.fail(job), 'InvalidJobStateException', { status: 400, message: /Dispatched/ });
        assert.equal((await hand.send(cp.AcknowledgeJobCommand, { jobId: job.id, nonce: job.nonce })).status, 'InProgress');
    }
    await hand.succeed(a);
    await refuses(hand.succeed(a), 'InvalidJobStateException', { status: 400, message: /Succeeded/ });
    await refuses(hand.fail(a), 'InvalidJobStateException', { status: 400, message: /Succeeded/ });
    await hand.send(cp.PutJobSuccessResultCommand, { jobId: b.id, continuationToken: 'more' });
    const more = await hand.job(id, 'B');
    assert.equal(more.data.continuationToken, 'more');
    await hand.action(id, 'B', 'InProgress');
    await hand.send(cp.AcknowledgeJobCommand, { jobId: more.id, nonce: more.nonce });
    await hand.fail(more);
    await refuses(hand.fail(more), 'InvalidJobStateException', { status: 400, message: /Failed/ });
    await hand.became(id, 'Failed');
});

test('an entry condition is met, fails, skips, errs, is overridden, cancelled and abandoned', { skip }, async (t) => {
    const gates = (value) => [
        hands('Skip', [work('S')], { beforeEntry: condition('SKIP', says(value)) }),
        hands('Gate', [work('G')], { beforeEntry: condition('FAIL', says(value)) }),
        hands('Wait', [work('W')], { beforeEntry: condition('FAIL', rule('DeploymentWindow', { Cron: '0 0 0 1 1 ? 2099' })) }),
        hands('Ask', [work('Q')], { beforeEntry: condition('FAIL', rule('LambdaInvoke', { FunctionName: 'nowhere' })) }),
    ];
    const hand = await Hand.make(t, gates('yes'), asked);
    const override = (id, stageName, conditionType = 'BEFORE_ENTRY') => hand.on(cp.OverrideStageConditionCommand,
        { pipelineExecutionId: id, stageName, conditionType });
    const state = async (stage) => (await hand.world.stage(stage)).beforeEntryConditionState;
    const is = (stage, status, ruleStatus) => until(`the condition of ${stage} is ${status}`, async () => {
        const got = await state(stage);
        return got?.latestExecution?.status === status && got.conditionStates[0].ruleStates?.[0].latestExecution.status === ruleStatus;
    });
    const good = await hand.world.newest();

    await t.test('met: the stage begins', async () => {
        await hand.did(good, 'S', 'G');
        await is('Skip', 'Succeeded', 'Succeeded');
        await is('Gate', 'Succeeded', 'Succeeded');
    });

    await t.test('in progress while its rule waits, and the stage with it; overridden, it begins', async () => {
        await is('Wait', 'InProgress', 'InProgress');
        await hand.stage(good, 'Wait', 'InProgress');
        await override(good, 'Wait');
        await is('Wait', 'Overridden', 'Abandoned');
        await hand.did(good, 'W');
    });

    await t.test('what could not be evaluated errs, and the stage fails', async () => {
        await hand.became(good, 'Failed');
        await is('Ask', 'Errored', 'Failed');
        await hand.stage(good, 'Ask', 'Failed');
        const looks = async () => (await hand.on(cp.ListRuleExecutionsCommand, { filter: { pipelineExecutionId: good } }))
            .ruleExecutionDetails.filter((r) => r.ruleName === 'LambdaInvoke').map((r) => r.status);
        assert.deepEqual(await looks(), ['Failed']);
        await hand.retry(good, 'Ask');
        await until('another look', async () => (await looks()).length === 2);
        await hand.became(good, 'Failed');
        assert.deepEqual(await looks(), ['Failed', 'Failed']);
    });

    await t.test('not met: one stage is skipped, the other fails, and is overridden', async () => {
        const id = await hand.start({ variables: [{ name: 'say', value: 'no' }] });
        await hand.became(id, 'Failed');
        await hand.stage(id, 'Skip', 'Skipped');
        await hand.stage(id, 'Gate', 'Failed');
        await is('Skip', 'Failed', 'Failed');
        await is('Gate', 'Failed', 'Failed');
        assert.equal((await hand.world.actions(id)).length, 1, 'only the source has run');
        await refuses(override(id, 'Skip'), 'ConditionNotOverridableException', { status: 400 });
        await refuses(hand.retry(id, 'Skip'), 'StageNotRetryableException', { status: 400 });
        await refuses(hand.on(cp.RollbackStageCommand, { stageName: 'Skip', targetPipelineExecutionId: id }), 'UnableToRollbackStageException',
            { status: 400 });
        await override(id, 'Gate');
        await is('Gate', 'Overridden', 'Failed');
        await hand.hears(id, 'Pipeline FAILED', 'Pipeline RESUMED', 'Stage Gate RESUMED');
        await hand.did(id, 'G');
        await is('Wait', 'InProgress', 'InProgress');
    });

    await t.test('stopped while it is checked: abandoned', async () => {
        const [{ pipelineExecutionId: id }] = await hand.world.executions();
        await hand.stop(id, false);
        await hand.became(id, 'Stopped');
        await is('Wait', 'Abandoned', 'Abandoned');
        await hand.stage(id, 'Wait', 'Stopped');
    });

    await t.test('updated while it is checked: cancelled', async () => {
        const id = await hand.start();
        await hand.did(id, 'S', 'G');
        await is('Wait', 'InProgress', 'InProgress');
        await hand.update(gates('yes'), asked);
        await hand.became(id, 'Cancelled');
        await is('Wait', 'Cancelled', 'Abandoned');
        await hand.stage(id, 'Wait', 'Cancelled');
    });
});

test('after success: met, failed, overridden, rolled back; after failure: met or not', { skip }, async (t) => {
    const hand = await Hand.make(t, [
        hands('Check', [work('C')], { onSuccess: condition('FAIL', says('yes')) }),
        hands('Back', [work('B')], { onSuccess: condition('ROLLBACK', says('yes')) }),
        hands('Fall', [work('F')], { onFailure: condition('ROLLBACK', says('yes')) }),
    ], asked);
    const kind = (stage) => (stage === 'Fall' ? 'onFailureConditionState' : 'onSuccessConditionState');
    const is = (stage, status) => until(`the condition of ${stage} is ${status}`, async () => (
        (await hand.world.stage(stage))[kind(stage)]?.latestExecution?.status === status));
    const no = { variables: [{ name: 'say', value: 'no' }] };
    const override = (id, stageName, conditionType = 'ON_SUCCESS') => hand.on(cp.OverrideStageConditionCommand,
        { pipelineExecutionId: id, stageName, conditionType });
    const good = await hand.world.newest();

    await t.test('nothing to roll back to: the stage stays failed', async () => {
        await hand.did(good, 'C', 'B');
        await is('Check', 'Succeeded');
        await is('Back', 'Succeeded');
        await hand.fail(await hand.take(good, 'F'));
        await hand.became(good, 'Failed');
        await is('Fall', 'Succeeded');
        assert.equal((await hand.world.executions()).length, 1);
        await hand.retry(good, 'Fall');
        await hand.did(good, 'F');
        await hand.became(good, 'Succeeded');
    });

    const id = await hand.start(no);
    await t.test('not met after success: the stage fails; overridden, the next one begins', async () => {
        await hand.did(id, 'C');
        await hand.became(id, 'Failed');
        await is('Check', 'Failed');
        await hand.action(id, 'C', 'Succeeded');
        await refuses(override(id, 'Check', 'BEFORE_ENTRY'), 'ConditionNotOverridableException', { status: 400 });
        await override(id, 'Check');
        await is('Check', 'Overridden');
        await hand.stage(id, 'Check', 'Succeeded');
    });

    await t.test('not met after success, ROLLBACK: an execution of that type follows', async () => {
        await hand.did(id, 'B');
        const back = await hand.world.newest(3);
        await hand.became(id, 'Failed');
        const told = await hand.world.execution(back);
        assert.deepEqual([told.executionType, told.trigger.triggerType, told.rollbackMetadata.rollbackTargetPipelineExecutionId],
            ['ROLLBACK', 'AutomatedRollback', good]);
        await hand.did(back, 'B');
        await hand.became(back, 'Succeeded');
        await hand.stage(back, 'Back', 'Succeeded');
    });

    await t.test('after a failure: met, it rolls back; not met, it does not', async () => {
        const met = await hand.start();
        await hand.did(met, 'C', 'B');
        await hand.fail(await hand.take(met, 'F'));
        const back = await hand.world.newest(5);
        assert.equal((await hand.world.execution(back)).rollbackMetadata.rollbackTargetPipelineExecutionId, good);
        await hand.did(back, 'F');
        await hand.became(back, 'Succeeded');
        await hand.became(met, 'Failed');
        const [count] = [(await hand.world.executions()).length];
        const unmet = await hand.start(no);
        await hand.did(unmet, 'C');
        await hand.became(unmet, 'Failed');
        await override(unmet, 'Check');
        await hand.succeed(await hand.take(unmet, 'B'));
        const again = await hand.world.newest(count + 2);
        await hand.did(again, 'B');
        await hand.became(again, 'Succeeded');
        assert.equal((await hand.world.executions()).length, count + 2);
    });
});

// Invoke/Lambda and Invoke/StepFunctions where functions and state machines are: in an account whose
// endpoint is an HTTP server of this test, which speaks AssumeRole, Lambda's Invoke and Step Functions.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { until } from '../lib/expect.js';
import { World, action, stages } from '../lib/release.js';
import { Server, atEnd, run, temporary } from '../lib/server.js';
import { without } from '../lib/tools.js';

const FAR = '123456789012';
const MACHINE = `arn:aws:states:eu-west-2:${FAR}:stateMachine:mill`;
const KEY = 'ASIAFARFARFARFARFAR1';
const skip = without('git') || without('unzip');

// State machines and functions of one account. `before` may hold up a request before it is answered.
class Far {
    static async start(t) {
        const far = new Far();
        far.server = http.createServer((request, response) => far.take(request, response));
        far.server.on('connection', (socket) => { far.sockets.add(socket); socket.on('close', () => far.sockets.delete(socket)); });
        await new Promise((done) => { far.server.listen(0, '127.0.0.1', done); });
        atEnd(t, () => {
            far.server.close();
            far.sockets.forEach((socket) => socket.destroy());
        });
        far.url = `http://127.0.0.1:${far.server.address().port}`;
        return far;
    }

    sockets = new Set();
    executions = new Map(); // ARN -> {input, status, output, cause, created}
    stops = [];
    events = []; // of functions
    objects = new Map();
    signed = [];
    created = 0;
    before = null;

    async take(request, response) {
        const chunks = [];
        for await (const chunk of request) {
            chunks.push(chunk);
        }
        const bytes = Buffer.concat(chunks);
        const body = bytes.toString();
        const [, key, , , service] = /Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=.*Signature=[0-9a-f]{64}/.exec(request.headers.authorization ?? '') ?? [];
        const target = request.headers['x-amz-target']?.replace('AWSStepFunctions.', '');
        this.signed.push({ what: target ?? request.url, key, service, token: request.headers['x-amz-security-token'] });
        const [status, answer, type] = key === undefined ? [403, { __type: 'MissingAuthenticationToken' }]
            : target ? this.states(target, JSON.parse(body))
                : /^\/2015-03-31\/functions\/([^/]+)\/invocations/.test(request.url) ? this.invoke(request, body)
                    : request.method === 'PUT' ? this.store(request, bytes) : this.assume(body);
        const hold = this.before;
        if (hold && await hold(target ?? request.url)) {
            response.destroy();
            return;
        }
        response.writeHead(status, { 'content-type': type ?? 'application/x-amz-json-1.0', 'x-amzn-requestid': 'r' });
        response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    }

    assume(body) {
        const role = new URLSearchParams(body).get('RoleArn');
        const name = new URLSearchParams(body).get('RoleSessionName');
        return [200, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROA:${name}</AssumedRoleId><Arn>arn:aws:sts::${FAR}:assumed-role/${role.split('/').pop()}/${name}</Arn></AssumedRoleUser><Credentials><AccessKeyId>${KEY}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${new Date(Date.now() + 3600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>`, 'text/xml'];
    }

    states(target, input) {
        const error = (name, message) => [400, { __type: `com.amazonaws.swf.service.v2.model#${name}`, message }];
        if (target === 'StartExecution') {
            const executionArn = `${MACHINE.replace(':stateMachine:', ':execution:')}:${input.name}`;
            const there = this.executions.get(executionArn);
            if (input.stateMachineArn !== MACHINE) {
                return error('StateMachineDoesNotExist', `State Machine Does Not Exist: '${input.stateMachineArn}'`);
            }
            if (there && (there.status !== 'RUNNING' || there.input !== input.input)) {
                return error('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`);
            }
            if (!there) {
                this.created += 1;
                this.executions.set(executionArn, { input: input.input, status: 'RUNNING', number: this.created });
            }
            return [200, { executionArn, startDate: 1.7e9 }];
        }
        const e = this.executions.get(input.executionArn);
        if (!e) {
            return error('ExecutionDoesNotExist', `Execution Does Not Exist: '${input.executionArn}'`);
        }
        if (target === 'StopExecution') {
            this.stops.push(input);
            e.status = 'ABORTED';
            return [200, { stopDate: 1.7e9 }];
        }
        return [200, { executionArn: input.executionArn, stateMachineArn: MACHINE, status: e.status, startDate: 1.7e9, input: e.input, output: e.output, cause: e.cause }];
    }

    // The account's S3: an action's role writes its artifacts.
    store(request, bytes) {
        this.objects.set(request.url.split('?')[0], bytes);
        return [200, ''];
    }

    invoke(request, body) {
        this.events.push({ function: request.url.split('/')[3], type: request.headers['x-amz-invocation-type'], event: JSON.parse(body) });
        return [202, ''];
    }
}

async function make(t) {
    const far = await Far.start(t);
    const server = await Server.start(t, { dir: join(temporary(t), 'data'), env: { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' } });
    const added = await server.tl('account', 'add', 'far', '--aws', '--id', FAR, '--endpoint-url', far.url);
    assert.equal(added.status, 0, added.stderr);
    const w = await World.make(server, { files: { 'a.txt': 'a\n' } });
    let made = false;
    // A release whose second stage is that action, which acts as a role of the far account.
    const release = async (provider, configuration, extra = {}) => {
        const call = { name: 'Call', actions: [{ ...action('Invoke', provider, configuration), name: 'Call', namespace: 'Call', roleArn: `arn:aws:iam::${FAR}:role/invoke`, ...extra }] };
        const structure = w.structure([stages.source(w), call]);
        if (!made) {
            made = true;
            await w.pipelines.send(new cp.CreatePipelineCommand({ pipeline: structure }));
            return w.newest();
        }
        await w.pipelines.send(new cp.UpdatePipelineCommand({ pipeline: structure }));
        return (await w.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }))).pipelineExecutionId;
    };
    const why = async () => (await w.stage('Call')).actionStates[0].latestExecution.errorDetails;
    const called = async (id) => (await w.actions(id)).find((a) => a.actionName === 'Call');
    // Kills the server when it has sent that request and before it hears the answer, then starts it again.
    const dieAt = async (what, begin) => {
        let id;
        const dead = new Promise((done) => {
            far.before = async (name) => {
                if (!what.test(name)) {
                    return false;
                }
                far.before = null;
                await until('whoever started it has heard so', () => id);
                await server.kill();
                done();
                return true;
            };
        });
        id = await begin();
        await dead;
        await server.launch();
        return id;
    };
    const abandon = (pipelineExecutionId) => w.pipelines.send(new cp.StopPipelineExecutionCommand({ pipelineName: 'app', pipelineExecutionId, abandon: true, reason: 'x' }));
    return { far, server, w, release, why, called, dieAt, abandon };
}

test('a state machine of another account', { skip }, async (t) => {
    const { far, server, w, release, why, called, dieAt, abandon } = await make(t);
    const begun = (n) => until(`execution ${n}`, () => [...far.executions].find(([, e]) => e.number === n));
    const machine = { StateMachineArn: MACHINE, Input: '{"grain":"wheat"}', ExecutionNamePrefix: 'app' };

    await t.test('is started as the role, waited for, and its output is the artifact', async () => {
        const id = await release('StepFunctions', machine, { outputArtifacts: [{ name: 'Flour' }] });
        const [arn, e] = await begun(1);
        assert.match(arn, /:execution:mill:app-[0-9a-f-]{36}$/);
        assert.equal(e.input, '{"grain":"wheat"}');
        Object.assign(e, { status: 'SUCCEEDED', output: '{"flour":5}' });
        assert.equal(await w.ended(id), 'Succeeded');
        const { output } = await called(id);
        assert.deepEqual(output.outputVariables, { ExecutionArn: arn, StateMachineArn: MACHINE });
        const { bucket: Bucket, key: Key } = output.outputArtifacts[0].s3location;
        const file = join(temporary(t), 'flour.zip');
        writeFileSync(file, far.objects.get(`/${Bucket}/${Key}`));
        assert.equal((await run('unzip', ['-p', file, 'output.json'])).stdout, '{"flour":5}');
        const states = far.signed.filter((s) => s.service === 'states');
        assert.ok(states.length >= 2 && states.every((s) => s.key === KEY && s.token === 'token'), JSON.stringify(far.signed));
        assert.ok(far.signed.some((s) => s.service === 'sts' && s.key === 'AKIAIOSFODNN7EXAMPLE'));
    });
    await t.test('fails with its cause', async () => {
        const id = await release('StepFunctions', machine);
        const [, e] = await begun(2);
        Object.assign(e, { status: 'FAILED', cause: 'the mill burnt down' });
        assert.equal(await w.ended(id), 'Failed');
        const { code, message } = await why();
        assert.equal(code, 'JobFailed');
        assert.match(message, /ended as FAILED: the mill burnt down/);
    });
    await t.test('that is not there fails the action by Step Functions\' words', async () => {
        const id = await release('StepFunctions', { ...machine, StateMachineArn: `${MACHINE}er` });
        assert.equal(await w.ended(id), 'Failed');
        assert.match((await why()).message, /State Machine Does Not Exist/);
    });
    await t.test('abandoned, it is stopped before the stage is free', async () => {
        const id = await release('StepFunctions', machine);
        const [arn, e] = await begun(3);
        await until('the start is noted', async () => (await called(id))?.output?.executionResult?.externalExecutionId === arn);
        await abandon(id);
        assert.equal(await w.ended(id), 'Stopped');
        assert.equal(e.status, 'ABORTED');
        assert.equal(far.stops.length, 1);
        assert.equal(far.stops[0].executionArn, arn);
        assert.match(far.stops[0].cause, /abandoned/);
    });
    await t.test('a server that dies meanwhile goes on waiting', async () => {
        const id = await release('StepFunctions', machine);
        const [, e] = await begun(4);
        await server.restart('SIGKILL');
        Object.assign(e, { status: 'SUCCEEDED', output: '{}' });
        assert.equal(await w.ended(id), 'Succeeded');
        assert.equal(far.created, 4);
    });
    await t.test('one that dies before it hears of the start starts nothing twice', async () => {
        const id = await dieAt(/StartExecution/, () => release('StepFunctions', machine));
        const [arn, e] = await begun(5);
        await until('the start is noted', async () => (await called(id))?.output?.executionResult?.externalExecutionId === arn);
        Object.assign(e, { status: 'SUCCEEDED', output: '{}' });
        assert.equal(await w.ended(id), 'Succeeded');
        assert.equal(far.created, 5);
    });
    await t.test('nor when it was over before the server came back', async () => {
        const id = await dieAt(/StartExecution/, async () => {
            const started = await release('StepFunctions', machine);
            const [, e] = await begun(6);
            Object.assign(e, { status: 'SUCCEEDED', output: '{}' });
            return started;
        });
        assert.equal(await w.ended(id), 'Succeeded');
        assert.equal(far.created, 6);
    });
});

test('a function of another account', { skip }, async (t) => {
    const { far, server, w, release, why, called, dieAt, abandon } = await make(t);
    const invoked = (n) => until(`call ${n}`, () => far.events[n - 1]);
    const job = (e) => e.event['CodePipeline.job'];
    const send = (Command, input) => w.pipelines.send(new Command(input));
    const configuration = { FunctionName: 'step', UserParameters: 'x' };

    await t.test('is called once with its job, and answers it', async () => {
        const id = await release('Lambda', configuration);
        const e = await invoked(1);
        assert.deepEqual([e.function, e.type], ['step', 'Event']);
        const { data } = job(e);
        assert.equal(data.actionConfiguration.configuration.UserParameters, 'x');
        assert.equal(data.inputArtifacts[0].name, 'Source');
        assert.ok(data.artifactCredentials.sessionToken);
        await send(cp.PutJobSuccessResultCommand, { jobId: job(e).id, outputVariables: { answer: '42' } });
        assert.equal(await w.ended(id), 'Succeeded');
        assert.equal((await called(id)).output.outputVariables.answer, '42');
        assert.equal(far.events.length, 1);
        const lambda = far.signed.filter((s) => s.service === 'lambda');
        assert.ok(lambda.length === 1 && lambda[0].key === KEY, JSON.stringify(far.signed));
    });
    await t.test('fails the action with what it says', async () => {
        const id = await release('Lambda', configuration);
        const e = await invoked(2);
        await send(cp.PutJobFailureResultCommand, { jobId: job(e).id, failureDetails: { type: 'JobFailed', message: 'no grain' } });
        assert.equal(await w.ended(id), 'Failed');
        assert.match((await why()).message, /no grain/);
    });
    await t.test('abandoned, its job is nobody\'s', async () => {
        const id = await release('Lambda', configuration);
        const e = await invoked(3);
        await abandon(id);
        assert.equal(await w.ended(id), 'Stopped');
        await assert.rejects(send(cp.PutJobSuccessResultCommand, { jobId: job(e).id }));
        assert.equal((await w.execution(id)).status, 'Stopped');
    });
    await t.test('a server that dies meanwhile calls nothing twice', async () => {
        const id = await release('Lambda', configuration);
        const e = await invoked(4);
        await server.restart('SIGKILL');
        await send(cp.PutJobSuccessResultCommand, { jobId: job(e).id });
        assert.equal(await w.ended(id), 'Succeeded');
        assert.equal(far.events.length, 4);
    });
    await t.test('nor one that dies before it hears that the call was taken', async () => {
        const id = await dieAt(/invocations/, () => release('Lambda', configuration));
        const e = await invoked(5);
        await send(cp.PutJobSuccessResultCommand, { jobId: job(e).id });
        assert.equal(await w.ended(id), 'Succeeded');
        assert.equal(far.events.length, 5);
    });
});

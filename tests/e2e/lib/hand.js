// A release whose work is done by hand: actions of a type of one's own, whose jobs the test takes and
// answers. Nothing runs in a container and nothing takes time of its own, so that each state of an
// execution lasts as long as the test wants it to.
import assert from 'node:assert/strict';
import * as cp from '@aws-sdk/client-codepipeline';
import * as eb from '@aws-sdk/client-eventbridge';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import { until } from './expect.js';
import { stages, World } from './release.js';
import { atEnd, Server } from './server.js';

const type = { category: 'Test', provider: 'Hand', version: '1' };

// One action by hand of a stage; actions of one `order` run at the same time.
export const work = (name, order = 1) => ({
    name, runOrder: order, actionTypeId: { ...type, owner: 'Custom' }, inputArtifacts: [], outputArtifacts: [],
});
export const hands = (stage, actions, extra = {}) => ({ name: stage, actions, ...extra });

// Whatever happened, the promises hold of what the running server has written.
async function holds(server) {
    const looked = await server.tl('verify', '--all', '--json');
    assert.deepEqual(JSON.parse(looked.stdout).findings, []);
    assert.equal(looked.status, 0);
}

export class Hand {
    // A pipeline of a source, and of these stages behind it. Its first execution has begun.
    static async make(t, list, extra = {}, options = {}) {
        const server = await Server.start(t, options);
        atEnd(t, () => holds(server));
        const hand = new Hand(server, await World.make(server));
        await hand.listen();
        await hand.send(cp.CreateCustomActionTypeCommand, {
            ...type, inputArtifactDetails: { minimumCount: 0, maximumCount: 1 }, outputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
        });
        await hand.world.pipeline([stages.source(hand.world), ...list], extra);
        return hand;
    }

    constructor(server, world) {
        this.server = server;
        this.world = world;
        this.polled = [];
    }

    // An operation; `input` without the pipeline's name.
    send(Command, input = {}) {
        return this.world.pipelines.send(new Command(input));
    }

    on(Command, input = {}) {
        return this.send(Command, { pipelineName: this.world.name, ...input });
    }

    async start(input = {}) {
        return (await this.send(cp.StartPipelineExecutionCommand, { name: this.world.name, ...input })).pipelineExecutionId;
    }

    async update(list, extra = {}) {
        const { pipeline } = await this.send(cp.UpdatePipelineCommand, {
            pipeline: this.world.structure([stages.source(this.world), ...list], extra) });
        return pipeline.version;
    }

    stop(pipelineExecutionId, abandon, reason) {
        return this.on(cp.StopPipelineExecutionCommand, { pipelineExecutionId, abandon, reason });
    }

    retry(pipelineExecutionId, stageName, retryMode = 'FAILED_ACTIONS') {
        return this.on(cp.RetryStageExecutionCommand, { pipelineExecutionId, stageName, retryMode });
    }

    // The job of an execution's action, dispatched to us and not acknowledged; each is found once.
    job(id, actionName) {
        return until(`the job of ${actionName} of ${id}`, async () => {
            const { jobs } = await this.send(cp.PollForJobsCommand, { actionTypeId: { ...type, owner: 'Custom' }, maxBatchSize: 50 });
            this.polled.push(...jobs);
            const at = this.polled.findIndex(({ data: { pipelineContext: of } }) => of.pipelineExecutionId === id && of.action.name === actionName);
            return at < 0 ? null : this.polled.splice(at, 1)[0];
        });
    }

    // The same, acknowledged: it runs.
    async take(id, actionName) {
        const job = await this.job(id, actionName);
        assert.equal((await this.send(cp.AcknowledgeJobCommand, { jobId: job.id, nonce: job.nonce })).status, 'InProgress');
        return job;
    }

    succeed(job) {
        return this.send(cp.PutJobSuccessResultCommand, { jobId: job.id });
    }

    fail(job, message = 'it broke') {
        return this.send(cp.PutJobFailureResultCommand, { jobId: job.id, failureDetails: { type: 'JobFailed', message } });
    }

    async did(id, ...names) {
        for (const name of names) {
            await this.succeed(await this.take(id, name));
        }
    }

    // Waits until an execution has this status.
    became(id, status) {
        return until(`${id} is ${status}`, async () => {
            const got = (await this.world.execution(id)).status;
            return got === status ? got : null;
        });
    }

    // Waits until a stage shows this execution with this status.
    stage(id, name, status) {
        return until(`${name} of ${id} is ${status}`, async () => {
            const got = (await this.world.stage(name)).latestExecution;
            return got?.pipelineExecutionId === id && got.status === status ? got : null;
        });
    }

    // The newest attempt of an action of an execution, once it has this status.
    action(id, name, status) {
        return until(`${name} of ${id} is ${status}`, async () => (
            await this.world.actions(id)).find((a) => a.actionName === name && a.status === status));
    }

    inbound(stage, ...ids) {
        return until(`${ids} in front of ${stage}`, async () => {
            const list = ((await this.world.stage(stage)).inboundExecutions ?? []).map((e) => e.pipelineExecutionId);
            return JSON.stringify(list) === JSON.stringify(ids) ? list : null;
        });
    }

    // All of CodePipeline's events, into a log group.
    async listen() {
        const logGroupName = '/aws/events/pipelines';
        this.log = this.server.client(logs.CloudWatchLogsClient);
        const events = this.server.client(eb.EventBridgeClient);
        await this.log.send(new logs.CreateLogGroupCommand({ logGroupName }));
        await events.send(new eb.PutRuleCommand({ Name: 'all', EventPattern: JSON.stringify({ source: ['aws.codepipeline'] }) }));
        await events.send(new eb.PutTargetsCommand({
            Rule: 'all', Targets: [{ Id: 'log', Arn: `arn:aws:logs:eu-west-2:111111111111:log-group:${logGroupName}` }] }));
        this.logGroupName = logGroupName;
    }

    // What was told of an execution: 'Pipeline STARTED', 'Stage Work STARTED', 'Action Work/A FAILED'.
    async told(id) {
        const found = [];
        let nextToken;
        do {
            const page = await this.log.send(new logs.FilterLogEventsCommand({ logGroupName: this.logGroupName, nextToken }));
            found.push(...page.events.map((e) => ({ ...JSON.parse(e.message), at: e.timestamp })));
            nextToken = page.nextToken;
        } while (nextToken);
        return found.filter((e) => e.detail['execution-id'] === id).map(({ 'detail-type': kind, detail, at }) => ({
            at,
            what: [kind.split(' ')[1], [detail.stage, detail.action].filter(Boolean).join('/'), detail.state].filter(Boolean).join(' '),
            detail,
        }));
    }

    // Waits until each of these was told, none with an earlier time than the one before it; others may
    // stand between. What has the same time may have come in any order: EventBridge promises none.
    hears(id, ...list) {
        return until(`${list} of ${id}`, async () => {
            const events = (await this.told(id)).sort((x, y) => x.at - y.at);
            let time = 0;
            return list.every((what) => {
                const at = events.findIndex((e) => e.what === what && e.at >= time);
                [{ at: time }] = at < 0 ? [{ at: Infinity }] : events.splice(at, 1);
                return at >= 0;
            });
        });
    }
}

// A connection's URL with a password in it: the password reaches the git host, and nothing else: no
// file of the data directory, no log, no answer, and no command line that others could read.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { CodeStarConnectionsClient, GetConnectionCommand, ListConnectionsCommand } from '@aws-sdk/client-codestar-connections';
import { StartPipelineExecutionCommand } from '@aws-sdk/client-codepipeline';
import { until } from '../lib/expect.js';
import { GitHost } from '../lib/githost.js';
import { World, stages } from '../lib/release.js';
import { PROGRAM, Server, run } from '../lib/server.js';

const PASSWORD = 'pw-Quokka/7f3a'; // the slash is percent-coded in a URL
const WRONG = 'wrong-Numbat-51c9';
// As text, as in a URL, and as the header of basic authentication has it.
const forms = (word) => [word, encodeURIComponent(word), Buffer.from(`ada:${word}`).toString('base64')];
const words = [...forms(PASSWORD), ...forms(WRONG)];

const told = (text) => words.filter((word) => text.includes(word));

// Command lines of every process of this machine.
function commandLines() {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => {
        try {
            return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
        } catch {
            return ''; // it has ended
        }
    });
}

function filesWith(dir) {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
        const path = join(dir, entry.name);
        return entry.isDirectory() ? filesWith(path)
            : entry.isFile() && told(readFileSync(path, 'latin1')).length > 0 ? [path] : [];
    });
}

test('the password of a connection', async (t) => {
    const host = await GitHost.start(t, { user: 'ada', password: PASSWORD });
    await host.repository('local/app');
    const server = await Server.start(t);
    const world = await World.make(server);
    const address = host.url.replace('http://', '');
    const complete = (password) => run(PROGRAM,
        ['connection', 'complete', 'app-trunk', '--url', '-', '--json', '--data', server.dir],
        { input: `http://ada:${encodeURIComponent(password)}@${address}/{repository}.git\n` });
    const answers = [];
    const answered = (answer) => answers.push(JSON.stringify(answer));

    await t.test('it is in no command line while git waits for the host', async () => {
        const done = await complete(PASSWORD);
        assert.equal(done.status, 0, done.stderr);
        answers.push(done.stdout, done.stderr);
        host.held = [];
        await world.pipeline([stages.source(world), stages.approval()]);
        const lines = await until('git that waits for the host', () => {
            const all = commandLines();
            return host.held.length > 0 && all.some((line) => line.includes('git') && line.includes(address)) ? all : null;
        });
        assert.deepEqual(lines.filter((line) => told(line).length > 0), []);
    });

    await t.test('the host gets it, and the release its commit', async () => {
        host.release();
        const id = await world.newest();
        await world.waiting(id);
        assert.ok(host.requests.some((r) => r.authorization === `Basic ${forms(PASSWORD)[2]}`));
        answered(await world.execution(id));
        answered(await world.actions(id));
        answered(await world.state());
    });

    await t.test('a wrong one is not told when it is refused', async () => {
        const done = await complete(WRONG);
        assert.equal(done.status, 0, done.stderr);
        const { pipelineExecutionId: id } = await world.pipelines.send(new StartPipelineExecutionCommand({ name: 'app' }));
        assert.equal(await world.ended(id), 'Failed');
        assert.ok(host.requests.some((r) => r.authorization === `Basic ${forms(WRONG)[2]}`));
        const actions = await world.actions(id);
        assert.ok(JSON.stringify(actions).includes(address), JSON.stringify(actions));
        answered(actions);
        answered(await world.execution(id));
        await until('the watcher to be refused too', () => server.log.includes(address));
    });

    await t.test('no answer, log or file has either', async () => {
        const connections = server.client(CodeStarConnectionsClient);
        answered(await connections.send(new GetConnectionCommand({ ConnectionArn: world.connectionArn })));
        answered(await connections.send(new ListConnectionsCommand({})));
        for (const args of [['audit'], ['audit', '--json'], ['connection', 'list', '--json']]) {
            const done = await server.tl(...args);
            assert.equal(done.status, 0, done.stderr);
            answers.push(done.stdout);
        }
        assert.ok(answers.some((text) => text.includes('CompleteConnection')), 'the audit has the handshake');
        await server.stop();
        assert.deepEqual(answers.filter((text) => told(text).length > 0), []);
        assert.deepEqual(told(server.log), []);
        assert.deepEqual(filesWith(server.dir), []);
    });
});

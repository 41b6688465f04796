// Projects and the refusals of StartBuild; builds themselves are in scenarios/build.test.js.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { pages, refuses } from '../lib/expect.js';
import { makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';

const project = (name, extra = {}) => ({
    name,
    source: { type: 'NO_SOURCE', buildspec: 'version: 0.2\nphases:\n  build:\n    commands: ["true"]\n' },
    artifacts: { type: 'NO_ARTIFACTS' },
    environment: { type: 'LINUX_CONTAINER', image: 'debian-bookworm-build', computeType: 'BUILD_GENERAL1_SMALL' },
    serviceRole: 'arn:aws:iam::111111111111:role/build',
    ...extra,
});

test('codebuild', async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { build: 'codebuild' });
    const client = server.client(cb.CodeBuildClient);
    const send = (Command, input) => client.send(new Command(input));

    await t.test('a project is kept as it was made, and updated in part', async () => {
        const made = await send(cb.CreateProjectCommand, project('app', {
            description: 'Builds', tags: [{ key: 'a', value: 'b' }], timeoutInMinutes: 10,
            environment: { ...project('x').environment, environmentVariables: [{ name: 'ENV', value: 'dev', type: 'PLAINTEXT' }] },
        }));
        assert.equal(made.project.arn, 'arn:aws:codebuild:eu-west-2:111111111111:project/app');
        await send(cb.UpdateProjectCommand, { name: 'app', description: 'Changed' });
        const { projects } = await send(cb.BatchGetProjectsCommand, { names: ['app', 'none'] });
        assert.equal(projects[0].description, 'Changed');
        assert.equal(projects[0].timeoutInMinutes, 10);
        assert.equal(projects[0].queuedTimeoutInMinutes, 480);
        assert.deepEqual(projects[0].environment.environmentVariables, [{ name: 'ENV', value: 'dev', type: 'PLAINTEXT' }]);
        assert.deepEqual(projects[0].tags, [{ key: 'a', value: 'b' }]);
        const missing = await send(cb.BatchGetProjectsCommand, { names: ['none'] });
        assert.deepEqual(missing.projectsNotFound, ['none']);
    });

    await t.test('errors', async () => {
        await refuses(send(cb.CreateProjectCommand, project('app')), 'ResourceAlreadyExistsException', { status: 400 });
        await refuses(send(cb.StartBuildCommand, { projectName: 'none' }), 'ResourceNotFoundException', { status: 400 });
        await refuses(send(cb.UpdateProjectCommand, { name: 'none' }), 'ResourceNotFoundException');
        await refuses(send(cb.CreateProjectCommand, project('bad name!')), 'InvalidInputException', { status: 400 });
        const { buildsNotFound } = await send(cb.BatchGetBuildsCommand, { ids: ['app:00000000-0000-0000-0000-000000000000'] });
        assert.equal(buildsNotFound.length, 1);
        await refuses(send(cb.ListFleetsCommand, {}), 'UnknownOperationException', { status: 400 });
    });

    await t.test('names are listed and a project is deleted', async () => {
        for (let i = 0; i < 3; i += 1) {
            await send(cb.CreateProjectCommand, project(`p${i}`));
        }
        const { all } = await pages((nextToken) => send(cb.ListProjectsCommand, { nextToken }),
            (page) => page.projects, (page) => page.nextToken);
        assert.deepEqual(all.sort(), ['app', 'p0', 'p1', 'p2']);
        await send(cb.DeleteProjectCommand, { name: 'p0' });
        assert.deepEqual((await send(cb.BatchGetProjectsCommand, { names: ['p0'] })).projectsNotFound, ['p0']);
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'codebuild', 'batch-get-projects', '--names', 'app',
            '--query', 'projects[0].description', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), 'Changed');
    });
});

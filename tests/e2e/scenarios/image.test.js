// What builds run in: images of a registry, of a layout, of Debian's packages; who may name which.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as sm from '@aws-sdk/client-secrets-manager';
import * as iam from '@aws-sdk/client-iam';
import { World, buildspec } from '../lib/release.js';
import { Registry, smallImage } from '../lib/registry.js';
import { PROGRAM, Server, run, temporary } from '../lib/server.js';
import { find, withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds() || (find('skopeo') && find('umoci') ? false : 'skopeo and umoci are not installed');
const UNABLE = 'BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE';

function contextOf(build, phase) {
    return build.phases.find((p) => p.phaseType === phase)?.contexts?.[0];
}

test('images', { skip }, async (t) => {
    const images = temporary(t);
    const layout = smallImage(temporary(t));
    const open = await Registry.start(t);
    const closed = await Registry.start(t, { username: 'ada', password: 'correct horse battery' });
    await open.push(`${layout}:app`, 'team/app:v1');
    await closed.push(`${layout}:app`, 'team/app:v1');
    const server = await Server.start(t, {
        env: { TRUNKLINE_IMAGES: images },
        config: `registries:
  registry.internal: {address: "${open.address}", insecure: true}
  closed.internal: {address: "${closed.address}", insecure: true}
oci: [${layout}]
images: {"aws/codebuild/standard:7.0": "oci:${layout}:app"}
`,
    });
    const world = await World.make(server);
    let n = 0;
    const once = async (image, { commands = ['echo "from $(cat /etc/greeting)"'], environment = {} } = {}) => {
        n += 1;
        await world.project(`image-${n}`, buildspec(commands), {
            pipeline: false,
            environment: { type: 'LINUX_CONTAINER', computeType: 'BUILD_GENERAL1_SMALL', image, ...environment },
        });
        const built = await world.build(`image-${n}`);
        return { built, log: await world.log(built), provisioning: contextOf(built, 'PROVISIONING') };
    };
    const downloads = (registry) => registry.requests.filter((r) => r.startsWith('GET') && r.includes('/blobs/')).length;

    await t.test('a registry\'s image is fetched once, and asked for each time', async () => {
        const first = await once('registry.internal/team/app:v1');
        assert.equal(first.built.buildStatus, 'SUCCEEDED', first.log);
        assert.match(first.log, /^from hello$/m);
        const before = downloads(open);
        const asked = open.requests.length;
        const second = await once('docker://registry.internal/team/app:v1');
        assert.match(second.log, /^from hello$/m);
        assert.equal(downloads(open), before);
        assert.ok(open.requests.length > asked, 'the tag was asked for again');
    });

    await t.test('a tag that moves is followed, a digest is not', async () => {
        const digest = /@(sha256:[0-9a-f]{64})/.exec(`@${[...open.manifests.keys()].find((k) => k.includes('sha256:')).split('app:')[1]}`)[1];
        const other = smallImage(temporary(t), { greeting: 'the new one' });
        await open.push(`${other}:app`, 'team/app:v1');
        assert.match((await once('registry.internal/team/app:v1')).log, /^from the new one$/m);
        assert.match((await once(`registry.internal/team/app:v1@${digest}`)).log, /^from hello$/m);
    });

    await t.test('the image\'s variables count; its user, folder and entrypoint do not', async () => {
        const { built, log } = await once('registry.internal/team/app:v1', {
            commands: ['echo "greeting $GREETING path $PATH home $HOME uid $(id -u)"', 'pwd; ls /nowhere || true'],
        });
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^greeting the new one path \/opt\/mine:\/bin home \/root uid 0$/m);
        assert.match(log, /^\/codebuild\/output\/src\d+\/src$/m);
    });

    await t.test('an image that is not there fails in PROVISIONING and says why', async () => {
        const { built, provisioning } = await once('registry.internal/team/none:v9');
        assert.equal(built.buildStatus, 'FAILED');
        assert.equal(provisioning.statusCode, UNABLE);
        assert.match(provisioning.message, /^Unable to pull customer's container image\. CannotPullContainerError: registry\.internal\/team\/none:v9: .*manifest unknown/);
    });

    await t.test('a registry of this network that nobody listed is refused', async () => {
        const { provisioning } = await once(`${open.address}/team/app:v1`);
        assert.equal(provisioning.statusCode, UNABLE);
        assert.match(provisioning.message, /lists it in trunkline\.yml: registries/);
    });

    await t.test('a malformed reference is told as such', async () => {
        const { provisioning } = await once('registry.internal/Team:v1');
        assert.match(provisioning.message, /it is no \[HOST\[:PORT\]\/\]REPOSITORY/);
    });

    await t.test('a layout of a listed folder runs, another one does not', async () => {
        assert.match((await once(`oci:${layout}:app`)).log, /^from hello$/m);
        const { provisioning } = await once('oci:/etc:app');
        assert.equal(provisioning.statusCode, UNABLE);
        assert.match(provisioning.message, /trunkline\.yml does not list a folder that this one is in/);
        const dotted = await once(`oci:${layout}/../../etc:app`);
        assert.match(dotted.provisioning.message, /does not list a folder/);
    });

    await t.test('a name that AWS curates means what the table says, and the log says so', async () => {
        const { log } = await once('aws/codebuild/standard:7.0');
        assert.match(log, /Image aws\/codebuild\/standard:7\.0 means oci:/);
        assert.match(log, /^from hello$/m);
    });

    await t.test('a closed registry is opened by registryCredential, read as the project\'s role', async () => {
        const secrets = server.client(sm.SecretsManagerClient);
        await secrets.send(new sm.CreateSecretCommand({
            Name: 'registry', SecretString: JSON.stringify({ username: 'ada', password: 'correct horse battery' }),
        }));
        const environment = {
            imagePullCredentialsType: 'SERVICE_ROLE',
            registryCredential: { credential: 'registry', credentialProvider: 'SECRETS_MANAGER' },
        };
        const without = await once('closed.internal/team/app:v1');
        assert.match(without.provisioning.message, /unauthorized|authentication required/i);
        const policy = (effect) => server.client(iam.IAMClient).send(new iam.PutRolePolicyCommand({
            RoleName: `${world.name}-build`, PolicyName: 'registry', PolicyDocument: JSON.stringify({
                Version: '2012-10-17',
                Statement: [{ Effect: effect, Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
            }),
        }));
        await policy('Deny');
        const denied = await once('closed.internal/team/app:v1', { environment });
        assert.equal(denied.provisioning.statusCode, UNABLE);
        assert.match(denied.provisioning.message, /secret registry of registryCredential: .*not authorized/);
        await policy('Allow');
        const { built, log } = await once('closed.internal/team/app:v1', {
            environment, commands: ['echo "from $(cat /etc/greeting)"'],
        });
        assert.equal(built.buildStatus, 'SUCCEEDED', JSON.stringify(built.phases));
        assert.match(log, /^from hello$/m);
        // What one project's password opened stays closed for a project without one.
        assert.match((await once('closed.internal/team/app:v1')).provisioning.message, /unauthorized|authentication required/i);
        await secrets.send(new sm.PutSecretValueCommand({ SecretId: 'registry', SecretString: 'not json' }));
        const malformed = await once('closed.internal/team/app:v1', { environment });
        assert.match(malformed.provisioning.message, /is not \{"username": \.\.\., "password": \.\.\.\}/);
        await assert.rejects(() => once('closed.internal/team/app:v1', {
            environment: { ...environment, imagePullCredentialsType: 'CODEBUILD' },
        }), /registryCredential requires imagePullCredentialsType SERVICE_ROLE/);
    });

    await t.test('image pull, list and rm: what a person pulled is there without asking', async () => {
        const tl = (...args) => run(PROGRAM, args, { env: { TRUNKLINE_IMAGES: images } });
        assert.equal((await tl('image', 'rm', 'registry.internal/team/app:v1')).status, 0);
        const pulled = await tl('image', 'pull', '--data', server.dir, 'registry.internal/team/app:v1');
        assert.equal(pulled.status, 0, pulled.stderr);
        const asked = open.requests.length;
        assert.match((await once('registry.internal/team/app:v1')).log, /^from the new one$/m);
        assert.equal(open.requests.length, asked);
        const list = JSON.parse((await tl('image', 'list', '--json')).stdout);
        assert.ok(list.images.some((i) => i.references.includes('docker://registry.internal/team/app:v1')));
        assert.equal((await tl('image', 'rm', 'registry.internal/team/app:v1')).status, 0);
        assert.match((await tl('image', 'rm', 'registry.internal/team/app:v1')).stderr, /there is no image/);
    });

    await t.test('image rm by digest, and of what no name leads to', async () => {
        const tl = (...args) => run(PROGRAM, args, { env: { TRUNKLINE_IMAGES: images } });
        const shown = async () => (await tl('image', 'list')).stdout;
        for (const greeting of ['moved once', 'moved twice']) {
            await open.push(`${smallImage(temporary(t), { greeting })}:app`, 'team/moved:v1');
            assert.match((await once('registry.internal/team/moved:v1')).log, new RegExp(`^from ${greeting}$`, 'm'));
        }
        const unnamed = /^\(no name leads to it\) +(sha256:[0-9a-f]{12}) /gm;
        const [first, ...more] = [...(await shown()).matchAll(unnamed)].map((m) => m[1]);
        assert.match((await tl('image', 'rm', first.slice(0, 15))).stderr, /at least 12 digits/);
        assert.equal((await tl('image', 'rm', first)).status, 0);
        assert.match((await tl('image', 'rm', first)).stderr, /there is no image sha256:/);
        assert.equal([...(await shown()).matchAll(unnamed)].length, more.length);
        const all = await tl('image', 'rm', '--unnamed');
        assert.equal(all.status, 0, all.stderr);
        assert.doesNotMatch(await shown(), unnamed);
        assert.match(await shown(), /team\/moved:v1/);
        assert.match((await tl('image', 'rm')).stderr, /needs an IMAGE, or --unnamed/);
    });
});

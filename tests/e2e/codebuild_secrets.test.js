// Variables of builds that lie in Secrets Manager: references of every form, as the project's role,
// hidden in the log, and what is said when one is missing or denied.
import assert from 'node:assert/strict';
import test from 'node:test';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import * as sm from '@aws-sdk/client-secrets-manager';
import { World, buildspec } from './lib/release.js';
import { Server } from './lib/server.js';
import { withoutBuilds } from './lib/tools.js';

const alone = { pipeline: false };

test('codebuild: secrets', { skip: withoutBuilds() }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const client = server.client(sm.SecretsManagerClient);
    const create = (Name, SecretString) => client.send(new sm.CreateSecretCommand({ Name, SecretString }));
    const db = await create('app/db', JSON.stringify({ user: 'app', password: 'correct horse/battery', port: 5432, tls: true, rate: 0.25 }));
    const old = db.VersionId;
    await client.send(new sm.PutSecretValueCommand({
        SecretId: 'app/db', SecretString: JSON.stringify({ user: 'app', password: 'another horse+staple', port: 6543, tls: false, rate: 1e21 }),
    }));
    await create('plain', 'a whole secret\nof two lines');
    const failure = (built) => built.phases.find((p) => p.phaseStatus === 'FAILED');

    await t.test('every form of a reference is read, once a version', async () => {
        await world.project('forms', buildspec([
            'test "$PASSWORD" = "another horse+staple" && echo current',
            'test "$PREVIOUS" = "correct horse/battery" && echo previous',
            'test "$BY_ID" = "correct horse/battery" && echo by-id',
            'test "$BY_ARN" = 6543 && echo by-arn',
            'test "$BY_PARTIAL" = false && echo by-partial',
            'test "$WHOLE" = "$(printf \'a whole secret\\nof two lines\')" && echo whole',
            'test "$OF_PROJECT" = 5432 && echo of-project',
            'test "$OF_START" = 0.25 && echo of-start',
            'test "$EXPANDED" = "another horse+staple" && echo expanded',
            'echo "shown: $PASSWORD $PREVIOUS"; printf %s "$PASSWORD" | base64; echo "$WHOLE"',
        ], `env:
  variables:
    PLACE: ignored
  secrets-manager:
    PASSWORD: app/db:password
    PREVIOUS: app/db:password:AWSPREVIOUS
    BY_ID: "app/db:password::${old}"
    BY_ARN: "${db.ARN}:port"
    BY_PARTIAL: "${db.ARN.slice(0, -7)}:tls:AWSCURRENT"
    WHOLE: plain
    EXPANDED: $WHERE/db:password
`), { ...alone, variables: [{ name: 'WHERE', value: 'app' }, { name: 'OF_PROJECT', value: 'app/db:port:AWSPREVIOUS', type: 'SECRETS_MANAGER' }] });
        const built = await world.build('forms', {
            environmentVariablesOverride: [{ name: 'OF_START', value: `app/db:rate::${old}`, type: 'SECRETS_MANAGER' }],
        });
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        for (const word of ['current', 'previous', 'by-id', 'by-arn', 'by-partial', 'whole', 'of-project', 'of-start', 'expanded']) {
            assert.match(log, new RegExp(`^${word}$`, 'm'));
        }
        assert.match(log, /^shown: \*\*\* \*\*\*$/m);
        for (const form of ['another horse', 'correct horse', 'of two lines', Buffer.from('another horse+staple').toString('base64')]) {
            assert.ok(!log.includes(form), `the log shows ${form}`);
        }
        // The API shows the reference, never the value.
        const shown = built.environment.environmentVariables.find((v) => v.name === 'OF_PROJECT');
        assert.deepEqual(shown, { name: 'OF_PROJECT', value: 'app/db:port:AWSPREVIOUS', type: 'SECRETS_MANAGER' });
    });

    await t.test('what is missing fails DOWNLOAD_SOURCE, before any command, and is named', async () => {
        const cases = [
            ['no/such', /^ResourceNotFoundException: Secrets Manager can't find the specified secret\. \(variable S, secret no\/such, account 111111111111, asked as arn:aws:iam::111111111111:role\/app-build\)$/],
            ['app/db:absent', /^its JSON has no key 'absent' \(variable S/],
            ['plain:password', /^its value is no JSON object, so it has no key 'password' \(variable S/],
            ['app/db:password:AWSPENDING', /^ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPENDING \(/],
            ['a:b:c:d:e', /^'a:b:c:d:e' is no reference to a secret: write SECRET-ID\[:JSON-KEY/],
        ];
        await world.project('missing', buildspec('echo RAN'), alone);
        for (const [value, message] of cases) {
            const built = await world.build('missing', { environmentVariablesOverride: [{ name: 'S', value, type: 'SECRETS_MANAGER' }] });
            assert.equal(built.buildStatus, 'FAILED');
            assert.equal(failure(built).phaseType, 'DOWNLOAD_SOURCE');
            assert.equal(failure(built).contexts[0].statusCode, 'Secrets Manager Error');
            assert.match(failure(built).contexts[0].message, message);
            assert.doesNotMatch(await world.log(built), /^RAN$/m);
        }
    });

    await t.test('the project\'s role needs the right, and is told which', async () => {
        const roles = server.client(IAMClient);
        await roles.send(new CreateRoleCommand({
            RoleName: 'narrow', AssumeRolePolicyDocument: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: 'codebuild.amazonaws.com' }, Action: 'sts:AssumeRole' }],
            }),
        }));
        await roles.send(new PutRolePolicyCommand({
            RoleName: 'narrow', PolicyName: 'logs', PolicyDocument: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'logs:*', Resource: '*' }],
            }),
        }));
        await world.project('denied', buildspec('echo RAN', 'env:\n  secrets-manager:\n    S: plain\n'), { ...alone, role: 'narrow' });
        const built = await world.build('denied');
        assert.equal(failure(built).phaseType, 'DOWNLOAD_SOURCE');
        assert.match(failure(built).contexts[0].message,
            /^AccessDeniedException: User: arn:aws:sts::111111111111:assumed-role\/narrow\/AWSCodeBuild-\S+ is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-2:111111111111:secret:plain-\w{6} because no identity-based policy allows/);
    });
});

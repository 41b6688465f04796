// Report groups and reports: the API by itself, and what builds put into them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { chromium } from 'playwright-core';
import * as cb from '@aws-sdk/client-codebuild';
import { PutRolePolicyCommand, DeleteRolePolicyCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { pages, refuses } from './lib/expect.js';
import { World, buildspec, makeRoles } from './lib/release.js';
import { Server } from './lib/server.js';
import { terraform } from './lib/terraform.js';
import { find, withoutBuilds, withoutTerraform } from './lib/tools.js';

const browserPath = find('chromium') ?? find('google-chrome');

const arn = (name) => `arn:aws:codebuild:eu-west-2:111111111111:report-group/${name}`;
const none = { exportConfigType: 'NO_EXPORT' };

test('report groups', async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { build: 'codebuild' });
    const client = server.client(cb.CodeBuildClient);
    const send = (Command, input) => client.send(new Command(input));
    const get = async (name) => (await send(cb.BatchGetReportGroupsCommand, { reportGroupArns: [arn(name)] })).reportGroups[0];

    await t.test('a group is kept as it was made, with what CodeBuild fills in', async () => {
        const made = await send(cb.CreateReportGroupCommand, {
            name: 'unit', type: 'TEST', tags: [{ key: 'a', value: 'b' }],
            exportConfig: { exportConfigType: 'S3', s3Destination: { bucket: 'some-bucket', path: 'raw' } },
        });
        assert.equal(made.reportGroup.arn, arn('unit'));
        const group = await get('unit');
        assert.equal(group.status, 'ACTIVE');
        assert.equal(group.type, 'TEST');
        assert.deepEqual(group.tags, [{ key: 'a', value: 'b' }]);
        assert.deepEqual(group.exportConfig.s3Destination, {
            bucket: 'some-bucket', path: 'raw', packaging: 'NONE', encryptionDisabled: false,
            encryptionKey: 'arn:aws:kms:eu-west-2:111111111111:alias/aws/s3',
        });
        const changed = await send(cb.UpdateReportGroupCommand, { arn: arn('unit'), exportConfig: none, tags: [] });
        assert.deepEqual(changed.reportGroup.exportConfig, none);
        assert.deepEqual((await get('unit')).tags, []);
        assert.ok((await get('unit')).lastModified >= group.created);
    });

    await t.test('errors', async () => {
        const create = (input) => send(cb.CreateReportGroupCommand, { name: 'unit', type: 'TEST', exportConfig: none, ...input });
        await refuses(create({}), 'ResourceAlreadyExistsException', { status: 400, message: /report-group\/unit/ });
        await refuses(create({ name: 'bad name!' }), 'InvalidInputException', { status: 400 });
        await refuses(create({ name: 'x1', exportConfig: { exportConfigType: 'S3' } }), 'InvalidInputException', { message: /bucket/ });
        await refuses(send(cb.UpdateReportGroupCommand, { arn: arn('nobody'), exportConfig: none }), 'ResourceNotFoundException', { status: 400 });
        await refuses(send(cb.ListReportsForReportGroupCommand, { reportGroupArn: arn('nobody') }), 'ResourceNotFoundException');
        await refuses(send(cb.GetReportGroupTrendCommand, { reportGroupArn: arn('nobody'), trendField: 'TOTAL' }), 'ResourceNotFoundException');
        await refuses(send(cb.DescribeTestCasesCommand, { reportArn: `${arn('unit')}:x` }), 'ResourceNotFoundException');
        await refuses(send(cb.ListReportsCommand, { nextToken: 'nonsense' }), 'InvalidInputException');
        await refuses(send(cb.DeleteReportGroupCommand, { arn: 'nonsense' }), 'InvalidInputException');
        await send(cb.DeleteReportGroupCommand, { arn: arn('nobody') });
        await send(cb.DeleteReportCommand, { arn: 'arn:aws:codebuild:eu-west-2:111111111111:report/unit:00000000-0000-0000-0000-000000000000' });
        const missing = await send(cb.BatchGetReportGroupsCommand, { reportGroupArns: [arn('nobody'), 'x'] });
        assert.deepEqual(missing.reportGroupsNotFound, [arn('nobody'), 'x']);
        assert.deepEqual((await send(cb.BatchGetReportsCommand, { reportArns: ['x'] })).reportsNotFound, ['x']);
    });

    await t.test('groups are listed in pages, sorted', async () => {
        for (const name of ['g3', 'g1', 'g2']) {
            await send(cb.CreateReportGroupCommand, { name, type: 'CODE_COVERAGE', exportConfig: none });
        }
        const list = (extra) => pages((nextToken) => send(cb.ListReportGroupsCommand, { maxResults: 2, nextToken, ...extra }),
            (page) => page.reportGroups, (page) => page.nextToken);
        assert.deepEqual((await list({ sortBy: 'NAME' })).all, ['g1', 'g2', 'g3', 'unit'].map(arn));
        assert.deepEqual((await list({ sortBy: 'NAME', sortOrder: 'DESCENDING' })).all, ['unit', 'g3', 'g2', 'g1'].map(arn));
        assert.equal((await list({ sortBy: 'CREATED_TIME' })).all[0], arn('unit'));
    });

    await t.test('the command line lists reports', async () => {
        const done = await server.aws('shared-services', 'codebuild', 'list-reports', '--output', 'json');
        assert.equal(done.status, 0, done.stderr);
        assert.deepEqual(JSON.parse(done.stdout).reports, []);
    });
});

const junit = '<testsuites><testsuite name="s"><testcase classname="c.A" name="good" time="0.5"/>'
    + '<testcase classname="c.A" name="bad" time="0.25"><failure message="1 is not 2">trace with $SECRET</failure></testcase>'
    + '<testcase classname="c.B" name="later"><skipped/></testcase></testsuite></testsuites>';
const jacoco = '<!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd"><report name="r"><package name="p">'
    + '<sourcefile name="A"><counter type="LINE" missed="1" covered="5"/><counter type="BRANCH" missed="1" covered="1"/></sourcefile>'
    + '<sourcefile name="B"><counter type="LINE" missed="4" covered="0"/></sourcefile></package></report>';

test('reports of builds', { skip: withoutBuilds() }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const send = (Command, input) => world.builds.send(new Command(input));
    const write = [
        'mkdir -p out/deep cov',
        `cat >out/deep/a.xml <<'END'\n${junit}\nEND`,
        `cat >cov/jacoco.xml <<'END'\n${jacoco}\nEND`,
    ];
    const spec = (reports, commands = write) => `${buildspec(commands)}reports:\n${reports}`;
    const reportsOf = async (built) => (await send(cb.BatchGetReportsCommand, { reportArns: built.reportArns })).reports;

    await t.test('tests and coverage become reports of groups that are made', async () => {
        await world.project('app', spec(
            '  $WHAT-tests:\n    files: ["**/*.xml"]\n    base-directory: out\n'
            + '  coverage:\n    files: [cov/jacoco.xml]\n    file-format: JACOCOXML\n'),
        { pipeline: false, variables: [{ name: 'WHAT', value: 'unit' }] });
        const built = await world.build('app');
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.equal(built.reportArns.length, 2);
        const [tests, coverage] = await reportsOf(built);
        assert.equal(tests.reportGroupArn, arn('app-unit-tests'));
        assert.equal(tests.name, 'app-unit-tests');
        assert.equal(tests.executionId, built.arn);
        assert.equal(tests.status, 'FAILED', 'a test failed, and the build did not');
        assert.equal(tests.truncated, false);
        assert.deepEqual(tests.testSummary, {
            total: 3, durationInNanoSeconds: 750000000,
            statusCounts: { SUCCEEDED: 1, FAILED: 1, ERROR: 0, SKIPPED: 1, UNKNOWN: 0 },
        });
        assert.ok(Math.abs(tests.expired - tests.created - 30 * 24 * 3600 * 1000) < 1000);
        const cases = (await send(cb.DescribeTestCasesCommand, { reportArn: tests.arn })).testCases;
        assert.deepEqual(cases.map((c) => [c.prefix, c.name, c.status, c.testSuiteName]), [
            ['c.A', 'good', 'SUCCEEDED', 's'], ['c.A', 'bad', 'FAILED', 's'], ['c.B', 'later', 'SKIPPED', 's']]);
        assert.match(cases[1].message, /^1 is not 2\ntrace/);
        assert.match(cases[1].testRawDataPath, /^\/codebuild\/output\/src\d+\/src\/out\/deep\/a\.xml$/);
        const some = async (filter, extra = {}) => (await send(cb.DescribeTestCasesCommand,
            { reportArn: tests.arn, filter, ...extra })).testCases.map((c) => c.name);
        assert.deepEqual(await some({ status: 'FAILED' }), ['bad']);
        assert.deepEqual(await some({ keyword: 'c.B' }), ['later']);
        assert.deepEqual(await some({ keyword: 'zzz' }), []);
        const paged = await pages((nextToken) => send(cb.DescribeTestCasesCommand, { reportArn: tests.arn, maxResults: 1, nextToken }),
            (page) => page.testCases, (page) => page.nextToken);
        assert.equal(paged.all.length, 3);
        assert.equal(paged.count, 3);

        assert.equal(coverage.type, 'CODE_COVERAGE');
        assert.equal(coverage.status, 'SUCCEEDED');
        assert.deepEqual(coverage.codeCoverageSummary, {
            lineCoveragePercentage: 50, linesCovered: 5, linesMissed: 5,
            branchCoveragePercentage: 50, branchesCovered: 1, branchesMissed: 1,
        });
        const files = async (extra) => (await send(cb.DescribeCodeCoveragesCommand, { reportArn: coverage.arn, ...extra })).codeCoverages;
        const all = await files({ sortBy: 'FILE_PATH' });
        assert.deepEqual(all.map((f) => [f.filePath, f.lineCoveragePercentage]), [['p/A', 83.33], ['p/B', 0]]);
        assert.deepEqual((await files({ sortBy: 'LINE_COVERAGE_PERCENTAGE' })).map((f) => f.filePath), ['p/B', 'p/A']);
        assert.deepEqual((await files({ minLineCoveragePercentage: 50 })).map((f) => f.filePath), ['p/A']);
        assert.deepEqual((await files({ maxLineCoveragePercentage: 50 })).map((f) => f.filePath), ['p/B']);
        await refuses(send(cb.DescribeTestCasesCommand, { reportArn: coverage.arn }), 'InvalidInputException');
        await refuses(send(cb.DescribeCodeCoveragesCommand, { reportArn: tests.arn }), 'InvalidInputException');
    });

    await t.test('reports are listed, and their trend is told', async () => {
        const again = await world.build('app', { environmentVariablesOverride: [{ name: 'WHAT', value: 'unit' }] });
        const newest = (await reportsOf(again))[0].arn;
        const { reports } = await send(cb.ListReportsForReportGroupCommand, { reportGroupArn: arn('app-unit-tests') });
        assert.equal(reports.length, 2);
        assert.equal(reports[0], newest);
        const list = async (input) => (await send(cb.ListReportsCommand, input)).reports;
        assert.equal((await list({})).length, 4);
        assert.equal((await list({ filter: { status: 'FAILED' } })).length, 2);
        assert.equal((await list({ sortOrder: 'ASCENDING', maxResults: 1 }))[0], reports[1]);
        const trend = (reportGroupArn, trendField, extra) => send(cb.GetReportGroupTrendCommand, { reportGroupArn, trendField, ...extra });
        assert.deepEqual((await trend(arn('app-unit-tests'), 'TOTAL')).stats, { average: '3', max: '3', min: '3' });
        assert.deepEqual((await trend(arn('app-unit-tests'), 'PASS_RATE', { numOfReports: 1 })).rawData, [{ reportArn: newest, data: '33.33' }]);
        assert.equal((await trend(arn('app-coverage'), 'LINES_MISSED')).stats.max, '5');
        await refuses(trend(arn('app-coverage'), 'DURATION'), 'InvalidInputException');
        await send(cb.DeleteReportCommand, { arn: newest });
        assert.deepEqual((await send(cb.BatchGetReportsCommand, { reportArns: [newest] })).reportsNotFound, [newest]);
        await refuses(send(cb.DeleteReportGroupCommand, { arn: arn('app-unit-tests') }), 'InvalidInputException', { message: /deleteReports/ });
        await send(cb.DeleteReportGroupCommand, { arn: arn('app-unit-tests'), deleteReports: true });
        assert.equal((await list({})).length, 2);
    });

    await t.test('a group of one\'s own by its ARN, raw files into S3', async () => {
        const s3 = server.client(S3Client);
        await s3.send(new CreateBucketCommand({ Bucket: 'raw-reports', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
        for (const packaging of ['NONE', 'ZIP']) {
            const { reportGroup } = await send(cb.CreateReportGroupCommand, {
                name: `own-${packaging}`, type: 'TEST',
                exportConfig: { exportConfigType: 'S3', s3Destination: { bucket: 'raw-reports', path: packaging, packaging } },
            });
            await world.project(`own-${packaging}`, spec(`  ${reportGroup.arn}:\n    files: ["out/**/*"]\n    discard-paths: yes\n`), { pipeline: false });
            const built = await world.build(`own-${packaging}`);
            assert.equal(built.buildStatus, 'SUCCEEDED', await world.log(built));
            const [report] = await reportsOf(built);
            assert.equal(report.reportGroupArn, reportGroup.arn);
            assert.equal(report.exportConfig.s3Destination.packaging, packaging);
            const uuid = report.arn.split(':').pop();
            const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'raw-reports', Prefix: `${packaging}/` }));
            assert.deepEqual(Contents.map((o) => o.Key), [packaging === 'ZIP' ? `ZIP/${uuid}.zip` : `NONE/${uuid}/a.xml`]);
            const object = await s3.send(new GetObjectCommand({ Bucket: 'raw-reports', Key: Contents[0].Key }));
            const bytes = Buffer.from(await object.Body.transformToByteArray());
            assert.ok(packaging === 'ZIP' ? bytes.subarray(0, 2).toString() === 'PK' : bytes.toString().includes('1 is not 2'));
        }
    });

    await t.test('a shared group is read from another account, and no more than read', async () => {
        const [reportArn] = (await send(cb.ListReportsForReportGroupCommand, { reportGroupArn: arn('app-coverage') })).reports;
        const other = server.client(cb.CodeBuildClient, 'development');
        const read = () => Promise.all([
            other.send(new cb.BatchGetReportGroupsCommand({ reportGroupArns: [arn('app-coverage')] })),
            other.send(new cb.ListReportsForReportGroupCommand({ reportGroupArn: arn('app-coverage') })),
            other.send(new cb.DescribeCodeCoveragesCommand({ reportArn })),
        ]);
        await refuses(read(), 'AccessDeniedException');
        await send(cb.PutResourcePolicyCommand, {
            resourceArn: arn('app-coverage'), policy: JSON.stringify({
                Version: '2012-10-17', Statement: [{
                    Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::222222222222:root' }, Action: 'codebuild:*', Resource: arn('app-coverage'),
                }],
            }),
        });
        const [groups, reports, files] = await read();
        assert.equal(groups.reportGroups[0].name, 'app-coverage');
        assert.ok(reports.reports.includes(reportArn));
        assert.equal(files.codeCoverages.length, 2);
        await refuses(other.send(new cb.DeleteReportCommand({ arn: reportArn })), 'AccessDeniedException');
        await refuses(other.send(new cb.UpdateReportGroupCommand({ arn: arn('app-coverage'), tags: [] })), 'AccessDeniedException');
        await refuses(other.send(new cb.DeleteReportGroupCommand({ arn: arn('app-coverage'), deleteReports: true })), 'AccessDeniedException');
        await refuses(send(cb.PutResourcePolicyCommand, { resourceArn: arn('nobody'), policy: '{}' }), 'ResourceNotFoundException');
    });

    await t.test('what is damaged, missing or forbidden fails UPLOAD_ARTIFACTS and says which', async () => {
        const message = async (name, reports, commands) => {
            await world.project(name, spec(reports, commands), { pipeline: false });
            const built = await world.build(name);
            assert.equal(built.buildStatus, 'FAILED', await world.log(built));
            const phase = built.phases.find((p) => p.phaseType === 'UPLOAD_ARTIFACTS');
            assert.equal(phase.phaseStatus, 'FAILED');
            assert.equal(phase.contexts[0].statusCode, 'CLIENT_ERROR');
            return { text: phase.contexts[0].message, built };
        };
        const wrong = await message('wrong', '  x:\n    files: [cov/jacoco.xml, out/deep/a.xml]\n');
        assert.match(wrong.text, /^\[x: \[error processing report: \[\S+\/cov\/jacoco\.xml: expected element type <testsuite> but have <report>\]\]\]$/);
        assert.equal((await reportsOf(wrong.built))[0].testSummary.total, 3, 'what could be read is kept');
        const missing = await message('missing', '  x:\n    files: [none/*.xml]\n');
        assert.equal(missing.text, '[x: [report files not found in build]]');
        assert.equal((await reportsOf(missing.built))[0].status, 'INCOMPLETE');
        const bomb = await message('bomb', '  x:\n    files: [b.xml]\n', [
            `printf '%s' '<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><testsuite name="&b;"/>' >b.xml`]);
        assert.match(bomb.text, /document type with declarations of its own is not allowed/);
        assert.equal((await reportsOf(bomb.built))[0].status, 'INCOMPLETE');
        const type = await message('type', `  ${arn('own-NONE')}:\n    files: [cov/jacoco.xml]\n    file-format: JACOCOXML\n`);
        assert.match(type.text, /own-NONE is of type TEST/);
        const nobody = await message('nobody', `  ${arn('nobody')}:\n    files: ["out/**/*"]\n`);
        assert.match(nobody.text, /Report group does not exist/);

        const iam = server.client(IAMClient);
        await iam.send(new PutRolePolicyCommand({
            RoleName: 'app-build', PolicyName: 'no-reports', PolicyDocument: JSON.stringify({
                Version: '2012-10-17',
                Statement: [{ Effect: 'Deny', Action: 'codebuild:CreateReport', Resource: `${arn('forbidden-x')}` }],
            }),
        }));
        const forbidden = await message('forbidden', '  x:\n    files: ["out/**/*"]\n');
        assert.match(forbidden.text, /is not authorized to perform: codebuild:CreateReport on resource: \S+report-group\/forbidden-x with an explicit deny/);
        await iam.send(new DeleteRolePolicyCommand({ RoleName: 'app-build', PolicyName: 'no-reports' }));
    });

    await t.test('reports that nobody named are found, unless that is turned off', async () => {
        await world.project('found', buildspec([...write, 'mkdir deep && cp out/deep/a.xml deep/b.xml && echo "<project/>" >pom.xml']), { pipeline: false });
        const built = await world.build('found');
        const log = await world.log(built);
        assert.match(log, /Set report auto-discover timeout to 5 seconds\n.*Expanding base directory path:  \.\n.*Assembling file list\n.*Expanding \.\n/);
        const reports = (await reportsOf(built)).map((r) => [r.name, r.testSummary?.total ?? r.codeCoverageSummary.linesCovered]);
        assert.deepEqual(reports, [['found-JUNITXML-AutoDiscovered', 6], ['found-JACOCOXML-AutoDiscovered', 5]]);
        const off = await world.build('found', { environmentVariablesOverride: [{ name: 'CODEBUILD_CONFIG_AUTO_DISCOVER', value: 'false' }] });
        assert.equal(off.reportArns, undefined);
        await world.project('nothing', buildspec(['true']), { pipeline: false });
        assert.match(await world.log(await world.build('nothing')), /No matching auto-discover report paths found\n.*Report auto-discover file discovery took \d+\.\d{6} seconds\n/);
    });

    await t.test('the console shows failed tests first, as text', { skip: browserPath ? false : 'chromium is not installed' }, async (t2) => {
        const hostile = junit.replace('1 is not 2', '&lt;script&gt;document.title = 1&lt;/script&gt;');
        await world.project('shown', spec('  x:\n    files: [a.xml]\n  y:\n    files: [cov/jacoco.xml]\n    file-format: JACOCOXML\n',
            [...write, `cat >a.xml <<'END'\n${hostile}\nEND`]), { pipeline: false });
        const built = await world.build('shown');
        const link = await server.tl('console');
        assert.equal(link.status, 0, link.stderr);
        const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
        t2.after(() => browser.close());
        const page = await browser.newPage();
        await page.goto(link.stdout.trim());
        await page.goto(`${server.url}/console/builds/${built.id.split(':')[1]}`);
        const text = await page.locator('#now').innerText();
        assert.match(text, /3 tests: 1 passed, 1 failed, 1 skipped/);
        assert.match(text, /c\.A bad\s+<script>document\.title = 1<\/script>/);
        assert.match(text, /50\.00 % of 10 lines/);
        assert.notEqual(await page.title(), '1');
    });

    await t.test('a failed build reports too, and secrets stay out', async () => {
        await server.client(SSMClient).send(new PutParameterCommand({ Name: '/s', Type: 'SecureString', Value: 'hunter2-hunter2' }));
        await world.project('failing', spec('  x:\n    files: ["out/**/*"]\n', [...write, 'sed -i "s/.SECRET/$SECRET/" out/deep/a.xml', 'false']), {
            pipeline: false, variables: [{ name: 'SECRET', value: '/s', type: 'PARAMETER_STORE' }],
        });
        const built = await world.build('failing');
        assert.equal(built.buildStatus, 'FAILED');
        const [report] = await reportsOf(built);
        assert.equal(report.testSummary.total, 3);
        const { testCases } = await send(cb.DescribeTestCasesCommand, { reportArn: report.arn, filter: { status: 'FAILED' } });
        assert.match(testCases[0].message, /trace with \*\*\*/);
    });
});

test('terraform makes, imports and destroys a report group', { skip: withoutTerraform() }, async (t) => {
    const server = await Server.start(t);
    const body = (extra) => `resource "aws_codebuild_report_group" "r" {
        name = "tf"
        type = "TEST"
        delete_reports = true
        export_config {
            type = "S3"
            s3_destination {
                bucket = "b-1"
                encryption_disabled = false
                encryption_key = "arn:aws:kms:eu-west-2:111111111111:alias/aws/s3"
                packaging = "NONE"
                path = "/some"
            }
        }
        ${extra}
    }`;
    const { dir, tf, succeeds } = terraform(t, server, { 'main.tf': body('') });
    const { writeFileSync } = await import('node:fs');
    succeeds(await tf('init'), 'init');
    succeeds(await tf('apply', '-auto-approve'), 'apply');
    succeeds(await tf('plan', '-detailed-exitcode'), 'the plan is empty');
    writeFileSync(`${dir}/main.tf`, body('tags = { a = "b" }'));
    succeeds(await tf('apply', '-auto-approve'), 'update');
    succeeds(await tf('plan', '-detailed-exitcode'), 'the plan is empty again');
    succeeds(await tf('state', 'rm', 'aws_codebuild_report_group.r'), 'forget');
    succeeds(await tf('import', 'aws_codebuild_report_group.r', arn('tf')), 'import');
    succeeds(await tf('destroy', '-auto-approve'), 'destroy');
    const gone = await server.client(cb.CodeBuildClient).send(new cb.BatchGetReportGroupsCommand({ reportGroupArns: [arn('tf')] }));
    assert.deepEqual(gone.reportGroupsNotFound, [arn('tf')]);
});

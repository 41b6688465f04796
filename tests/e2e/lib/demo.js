// One run of `trunkline demo` in a directory of its own, and what must be true of every such run.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PROGRAM, atEnd, run, temporary } from './server.js';

// Ends a server or receiver that a demo was kept from ending: by the id and start time it recorded.
function endRecorded(file) {
    if (!existsSync(file)) {
        return;
    }
    const [pid, start] = readFileSync(file, 'utf8').trim().split(' ');
    try {
        if (readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21] === start) {
            process.kill(Number(pid), 'SIGKILL');
        }
    } catch {
        // it has ended
    }
}

// A PATH with every program of ours but one.
export function pathWithout(t, program) {
    const dir = join(temporary(t), 'bin');
    mkdirSync(dir);
    for (const from of process.env.PATH.split(delimiter).filter((d) => existsSync(d))) {
        for (const name of readdirSync(from)) {
            if (name !== program && !existsSync(join(dir, name))) {
                try {
                    symlinkSync(realpathSync(join(from, name)), join(dir, name));
                } catch (error) {
                    assert.ok(['ENOENT', 'EEXIST'].includes(error.code), error.message); // a link to nowhere
                }
            }
        }
    }
    return dir;
}

// Runs it without a terminal, in front of `before` words: {text, data}. Its working directory is empty.
export async function demo(t, { before = [], env = {} } = {}) {
    const dir = temporary(t);
    const data = join(dir, 'demo');
    atEnd(t, () => ['serve', 'receive'].forEach((name) => endRecorded(`${data}.${name}.pid`)));
    const [program, ...args] = [...before, PROGRAM, 'demo', '--data', data];
    const done = await run(program, args, { cwd: dir, env, timeout_ms: 900_000 });
    const text = done.stdout + done.stderr;
    assert.equal(done.status, 0, text);
    return { text: done.stdout, data };
}

// Parts of a text that stand in it in this order.
export function inOrder(text, parts) {
    let at = 0;
    for (const part of parts) {
        const found = text.slice(at).search(part);
        assert.notEqual(found, -1, `${part} is not in, or not after the one before it:\n${text}`);
        at += found + 1;
    }
}

// What the demo says happened: everything, in this order.
export function tellsAll({ text, data }) {
    // A machine that is busy shows a short phase's end beside the next one's commands.
    for (const part of [/Development +\$ scripts\/install_shipper\.sh/, /Development +BUILD succeeded/,
        /Development +\$ scripts\/smoke\.sh/, /Development +POST_BUILD succeeded/]) {
        assert.match(text, part);
    }
    inOrder(text, [
        /== 2\. Four accounts/, /parameters +42, 6 of them SecureString +created/,
        /== 3\. A repository/, /Source > Test > Development > Pre_Production > Production-Approve > Production/,
        /== 4\./, /Source +succeeded in .*Collect the logs/, /Test +succeeded/, /Development +started/,
        /Development +succeeded/, /Pre_Production +succeeded/, /Production-Approve +waits for a person/,
        /== 5\./, /PLAN_SUMMARY +\d+ to add/, /ok +approved by arn:aws:sts::111111111111:assumed-role\/approver\/demo-approver/,
        /Production +succeeded/, /Succeeded +release/,
        /== 6\./, /development \(account 222222222222\)/, /log groups \d+, each kept for 7 days/,
        /production \(account 444444444444\)/, /alarm +logging-errors +OK/, /the engine's own share/,
        /== 7\./, /the watcher found it/, /Pre_Production +succeeded/, /Production-Approve +started/, /Production-Approve +failed/,
        /the gate to production stays closed/, /the developers were told/, /in ALARM\. .*[^.]\. Deployed there: commit [0-9a-f]{8} by Grace Hopper/,
        /== Done/,
    ]);
    // Times never go back while one release is told.
    for (const told of text.split(/^== .*$/m)) {
        let before = { at: 0, line: '' };
        for (const [line, minutes, seconds] of told.matchAll(/^ *\+(?:(\d+) min )?([\d.]+) s .*$/gm)) {
            const at = Number(minutes ?? 0) * 60 + Number(seconds);
            assert.ok(at >= before.at, `told too late: ${line.trim()}, after ${before.line}`);
            before = { at, line: line.trim() };
        }
    }
    for (const name of ['serve', 'receive']) {
        assert.ok(!existsSync(`${data}.${name}.pid`), `${name} was ended`);
    }
}

// One `trunkline serve` of a test: its own data directory, a free port, ended by its process id.
// The server is started with --die-with-parent, so that a test that crashes leaves none behind.
import { spawn, execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const PROGRAM = process.env.TRUNKLINE ?? join(ROOT, 'build/trunkline');

// Ids of the accounts that the first start makes.
export const ACCOUNTS = {
    'shared-services': '111111111111',
    development: '222222222222',
    'pre-production': '333333333333',
    production: '444444444444',
};

// Runs a program to its end. Never rejects: {status, signal, stdout, stderr}.
export function run(program, args, { env = {}, cwd, input = '', timeout_ms = 120_000 } = {}) {
    return new Promise((done) => {
        const child = execFile(
            program,
            args,
            {
                cwd,
                env: { ...process.env, ...env },
                timeout: timeout_ms,
                killSignal: 'SIGKILL',
                maxBuffer: 64 << 20,
            },
            (error, stdout, stderr) => {
                const status = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
                const note = error && status === -1 ? `\n${error.message}` : '';
                done({ status, signal: error?.signal ?? null, stdout, stderr: stderr + note });
            },
        );
        child.stdin.on('error', () => {});
        child.stdin.end(input);
    });
}

// Runs `fn` when test `t` ends; what was begun last ends first.
const ends = new WeakMap();
export function atEnd(t, fn) {
    if (!ends.has(t)) {
        const list = [];
        ends.set(t, list);
        t.after(async () => {
            for (const end of list.reverse()) {
                await end();
            }
        });
    }
    ends.get(t).push(fn);
}

// A directory that is removed when the test ends, whatever builds have left in it.
export function temporary(t, prefix = 'trunkline-e2e-') {
    const dir = mkdtempSync(join(tmpdir(), prefix));
    atEnd(t, () => {
        if (!process.env.TRUNKLINE_E2E_KEEP) {
            rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
        }
    });
    return dir;
}

export class Server {
    // Starts a server for test `t` and ends it with the test. options: dir, args, config (text of
    // trunkline.yml), env, listen, cwd (the data directory is named from there).
    static async start(t, options = {}) {
        const server = new Server(options.dir ?? join(temporary(t), 'data'), options);
        atEnd(t, async () => {
            await server.stop();
            await server.endBuilds();
        });
        await server.launch();
        return server;
    }

    constructor(dir, options = {}) {
        this.dir = dir;
        this.options = options;
        this.log = '';
        this.child = null;
    }

    // Starts the process and waits for its ready line. Rejects with its output when it ends before.
    // A restart answers at the same address, as a service does, but where another program of a busy
    // machine has taken the port meanwhile.
    async launch(extra = []) {
        try {
            return await this.launchOnce(extra);
        } catch (error) {
            if (!this.address || !error.message.includes(`${this.address} is in use by another program`)) {
                throw error;
            }
            this.address = undefined;
            return this.launchOnce(extra);
        }
    }

    async launchOnce(extra) {
        if (this.child && this.child.exitCode === null && this.child.signalCode === null) {
            await this.kill();
        }
        const { args = [], env = {}, listen = '127.0.0.1:0', config, cwd } = this.options;
        if (config !== undefined) {
            const { mkdirSync } = await import('node:fs');
            mkdirSync(this.dir, { recursive: true, mode: 0o700 });
            writeFileSync(join(this.dir, 'trunkline.yml'), config);
        }
        const words = ['serve', '--data', cwd ? relative(cwd, this.dir) : this.dir, '--listen', this.address ?? listen];
        this.child = spawn(PROGRAM, [...words, '--die-with-parent', ...args, ...extra], {
            stdio: ['ignore', 'pipe', 'pipe'], cwd,
            env: { ...process.env, ...env },
        });
        const child = this.child;
        this.ended = new Promise((done) => {
            child.once('close', (code, signal) => done({ code, signal }));
        });
        this.url = await new Promise((done, fail) => {
            const timer = setTimeout(() => {
                child.kill('SIGKILL');
                fail(new Error(`serve is not ready after 60 s:\n${this.log}`));
            }, 60_000);
            let out = '';
            child.stdout.on('data', (bytes) => {
                out += bytes;
                this.log += bytes;
                const line = /^trunkline: ready (\S+)$/m.exec(out);
                if (line) {
                    clearTimeout(timer);
                    done(line[1].replace(/\/$/, ''));
                }
            });
            child.stderr.on('data', (bytes) => {
                this.log += bytes;
            });
            this.ended.then(({ code, signal }) => {
                clearTimeout(timer);
                fail(Object.assign(new Error(`serve ended (${code ?? signal}):\n${this.log}`),
                    { code, signal, log: this.log }));
            });
        });
        this.pid = child.pid;
        this.address = new URL(this.url).host;
        this.keys = JSON.parse(readFileSync(join(this.dir, 'keys.json'), 'utf8'));
        return this.url;
    }

    async kill(signal = 'SIGKILL') {
        if (this.child && this.child.exitCode === null && this.child.signalCode === null) {
            this.child.kill(signal);
        }
        return this.ended;
    }

    // Builds outlive their server, not their test: ends those of this data directory, and waits.
    async endBuilds() {
        const mine = () => readdirSync('/proc').filter((pid) => {
            if (!/^\d+$/.test(pid)) {
                return false;
            }
            try {
                const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
                return words[1] === 'supervise' && words[2]?.startsWith(`${this.dir}/builds/`);
            } catch {
                return false; // it has ended
            }
        }).map(Number);
        const send = (signal) => mine().forEach((pid) => {
            try {
                process.kill(pid, signal);
            } catch {
                // it has ended
            }
        });
        send('SIGTERM');
        const killAt = Date.now() + 20_000;
        while (mine().length) {
            if (Date.now() > killAt) {
                send('SIGKILL');
            }
            await new Promise((next) => setTimeout(next, 50));
        }
    }

    // Ends it as a service manager does; kill -9 when it does not end by itself.
    async stop() {
        if (!this.child) {
            return undefined;
        }
        const timer = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
        const end = await this.kill('SIGTERM');
        clearTimeout(timer);
        return end;
    }

    async restart(signal = 'SIGTERM') {
        await this.kill(signal);
        return this.launch();
    }

    // An SDK client of an account; `credentials` for a session's.
    client(Client, account = 'shared-services', { credentials, ...config } = {}) {
        const key = this.keys[account];
        const path = Client.name === 'S3Client' ? { forcePathStyle: true } : {};
        return new Client({
            endpoint: this.url,
            region: key.region,
            credentials: credentials ?? {
                accessKeyId: key.accessKeyId,
                secretAccessKey: key.secretAccessKey,
            },
            maxAttempts: 1,
            ...path,
            ...config,
        });
    }

    // Environment of the aws command line, Terraform and boto3 for an account.
    env(account = 'shared-services') {
        const key = this.keys[account];
        return {
            AWS_ENDPOINT_URL: this.url,
            AWS_ACCESS_KEY_ID: key.accessKeyId,
            AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
            AWS_DEFAULT_REGION: key.region,
            AWS_REGION: key.region,
            AWS_EC2_METADATA_DISABLED: 'true',
            AWS_PAGER: '',
            AWS_CONFIG_FILE: '/dev/null',
            AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
            HOME: dirname(this.dir),
        };
    }

    // One of our own verbs on this server's data directory.
    tl(...args) {
        return run(PROGRAM, [...args, '--data', this.dir]);
    }

    // The aws command line, in an account. The option stands for versions before the variable.
    aws(account, ...args) {
        return run('aws', ['--endpoint-url', this.url, ...args], { env: this.env(account) });
    }

    read(name) {
        const path = join(this.dir, name);
        return existsSync(path) ? readFileSync(path, 'utf8') : null;
    }
}

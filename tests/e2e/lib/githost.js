// A git host of the tests' own: git http-backend behind Node's server, with basic authentication, and
// the few paths of a host's API that builds' statuses go to. Repositories lie below `root`.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { git } from './release.js';
import { atEnd, temporary } from './server.js';

export class GitHost {
    // options: user and password that every request must bring; key and cert, PEM: it speaks https.
    static async start(t, options = {}) {
        const host = new GitHost(temporary(t, 'trunkline-githost-'), options);
        const answer = (req, resp) => host.answer(req, resp);
        host.server = options.cert ? createSecureServer({ key: options.key, cert: options.cert }, answer) : createServer(answer);
        await new Promise((done) => host.server.listen(0, '127.0.0.1', done));
        host.url = `http${options.cert ? 's' : ''}://127.0.0.1:${host.server.address().port}`;
        atEnd(t, () => new Promise((done) => { host.server.closeAllConnections(); host.server.close(done); }));
        return host;
    }

    constructor(root, options) {
        this.root = root;
        this.options = options;
        this.requests = []; // {method, url, authorization}
        this.statuses = []; // what was posted to the API: {path, authorization, body}
        this.apiFailures = 0; // so many posts are answered 502 first
        this.held = null; // a list: requests for repositories wait in it, each a function that answers
    }

    // /moved/... redirects, /hang/... never answers.
    answer(req, resp) {
        this.requests.push({ method: req.method, url: req.url, authorization: req.headers.authorization });
        if (req.url.startsWith('/api/') || req.url.startsWith('/repos/')) {
            return this.api(req, resp);
        }
        if (req.url.startsWith('/moved/')) {
            return resp.writeHead(301, { Location: req.url.replace('/moved/', '/') }).end();
        }
        if (req.url.startsWith('/hang/')) {
            return undefined; // an answer never comes
        }
        const { user, password } = this.options;
        const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
        if (password && req.headers.authorization !== wanted) {
            return resp.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
        }
        return this.held ? this.held.push(() => this.backend(req, resp)) : this.backend(req, resp);
    }

    // Answers what was held, and holds no more.
    release() {
        const waiting = this.held ?? [];
        this.held = null;
        waiting.forEach((answer) => answer());
    }

    api(req, resp) {
        const parts = [];
        req.on('data', (bytes) => parts.push(bytes));
        req.on('end', () => {
            if (this.apiFailures > 0) {
                this.apiFailures -= 1;
                return resp.writeHead(502).end();
            }
            this.statuses.push({
                path: req.url, authorization: req.headers.authorization ?? req.headers['private-token'],
                body: JSON.parse(Buffer.concat(parts).toString()),
            });
            return resp.writeHead(201, { 'Content-Type': 'application/json' }).end('{}');
        });
    }

    backend(req, resp) {
        const url = new URL(req.url, this.url);
        const child = spawn('git', ['http-backend'], {
            env: {
                PATH: process.env.PATH, GIT_PROJECT_ROOT: this.root, GIT_HTTP_EXPORT_ALL: '1', REQUEST_METHOD: req.method,
                PATH_INFO: decodeURIComponent(url.pathname), QUERY_STRING: url.search.slice(1),
                CONTENT_TYPE: req.headers['content-type'] ?? '', GIT_PROTOCOL: req.headers['git-protocol'] ?? '',
                ...(req.headers['content-encoding'] ? { HTTP_CONTENT_ENCODING: req.headers['content-encoding'] } : {}),
                REMOTE_ADDR: '127.0.0.1', GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*',
            },
        });
        child.stdin.on('error', () => {});
        req.pipe(child.stdin);
        let head = Buffer.alloc(0);
        let begun = false;
        child.stdout.on('data', (bytes) => {
            if (begun) {
                resp.write(bytes);
                return;
            }
            head = Buffer.concat([head, bytes]);
            const end = head.indexOf('\r\n\r\n');
            if (end >= 0) {
                begun = true;
                const headers = Object.fromEntries(head.subarray(0, end).toString().split('\r\n')
                    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
                resp.writeHead(parseInt(headers.Status ?? '200', 10), headers);
                resp.write(head.subarray(end + 4));
            }
        });
        child.on('close', () => resp.end());
    }

    // Makes owner/name with one commit of these files; its working tree.
    async repository(name, files = {}) {
        const bare = join(this.root, `${name}.git`);
        const tree = join(this.root, 'trees', name);
        mkdirSync(dirname(bare), { recursive: true });
        mkdirSync(tree, { recursive: true });
        await git(this.root, 'init', '-q', '--bare', bare);
        await git(tree, 'init', '-q');
        await git(tree, 'remote', 'add', 'origin', bare);
        const repository = new Repository(this, name, tree);
        await repository.push('first', { 'README.md': 'hello\n', ...files });
        return repository;
    }
}

class Repository {
    constructor(host, name, tree) {
        this.host = host;
        this.name = name;
        this.tree = tree;
    }

    get url() { return `${this.host.url}/${this.name}.git`; }

    // Commits files and pushes to a branch or to any reference; the commit's id.
    async push(message, files, to = 'main') {
        for (const [path, content] of Object.entries(files)) {
            mkdirSync(dirname(join(this.tree, path)), { recursive: true });
            writeFileSync(join(this.tree, path), content);
        }
        await git(this.tree, 'add', '-A');
        await git(this.tree, 'commit', '-q', '--allow-empty', '-m', message);
        await git(this.tree, 'push', '-q', 'origin', `+HEAD:${to.startsWith('refs/') ? to : `refs/heads/${to}`}`);
        return git(this.tree, 'rev-parse', 'HEAD');
    }
}

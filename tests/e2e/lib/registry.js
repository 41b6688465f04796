// A registry of images as docker speaks to it (OCI distribution), in memory, with or without a
// password; and a small image to put into it.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { atEnd, run } from './server.js';

const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export class Registry {
    // Ends with the test. options: username, password.
    static async start(t, options = {}) {
        const registry = new Registry(options);
        await new Promise((done) => { registry.http.listen(0, '127.0.0.1', done); });
        atEnd(t, () => {
            registry.http.closeAllConnections?.();
            registry.http.close();
        });
        registry.address = `127.0.0.1:${registry.http.address().port}`;
        return registry;
    }

    constructor({ username, password }) {
        this.wanted = username && `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
        this.blobs = new Map();
        this.manifests = new Map(); // "name:reference" -> {type, bytes}
        this.uploads = new Map();
        this.requests = [];
        this.http = createServer((req, res) => {
            const parts = [];
            req.on('data', (bytes) => parts.push(bytes));
            req.on('end', () => this.answer(req, res, Buffer.concat(parts)));
        });
    }

    answer(req, res, body) {
        const url = new URL(req.url, 'http://registry');
        this.requests.push(`${req.method} ${url.pathname}`);
        const end = (status, headers = {}, bytes = '') => {
            res.writeHead(status, { 'Docker-Distribution-Api-Version': 'registry/2.0', ...headers });
            res.end(req.method === 'HEAD' ? undefined : bytes);
        };
        const refuse = (status, code) => end(status, {
            'Content-Type': 'application/json', ...(status === 401 && { 'WWW-Authenticate': 'Basic realm="test"' }),
        }, JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }));
        if (this.wanted && req.headers.authorization !== this.wanted) {
            return refuse(401, 'UNAUTHORIZED');
        }
        if (url.pathname === '/v2/') {
            return end(200);
        }
        const path = /^\/v2\/(.+)\/(manifests|blobs)\/(.*)$/.exec(url.pathname);
        if (!path) {
            return refuse(404, 'NOT_FOUND');
        }
        const [, name, kind, reference] = path;
        if (kind === 'manifests') {
            return this.manifest(req, name, reference, body, end, refuse);
        }
        if (!reference.startsWith('uploads/')) {
            const blob = this.blobs.get(reference);
            return blob ? end(200, { 'Content-Length': blob.length, 'Docker-Content-Digest': reference }, blob)
                : refuse(404, 'BLOB_UNKNOWN');
        }
        return this.upload(req, url, name, reference.slice(8), body, end, refuse);
    }

    manifest(req, name, reference, body, end, refuse) {
        if (req.method === 'PUT') {
            const kept = { type: req.headers['content-type'], bytes: body };
            this.manifests.set(`${name}:${reference}`, kept);
            this.manifests.set(`${name}:${digestOf(body)}`, kept);
            return end(201, { 'Docker-Content-Digest': digestOf(body), Location: `/v2/${name}/manifests/${reference}` });
        }
        const kept = this.manifests.get(`${name}:${reference}`);
        return kept ? end(200, {
            'Content-Type': kept.type, 'Content-Length': kept.bytes.length, 'Docker-Content-Digest': digestOf(kept.bytes),
        }, kept.bytes) : refuse(404, 'MANIFEST_UNKNOWN');
    }

    upload(req, url, name, id, body, end, refuse) {
        if (req.method === 'POST') {
            const fresh = String(this.uploads.size + 1);
            this.uploads.set(fresh, Buffer.alloc(0));
            return end(202, { Location: `/v2/${name}/blobs/uploads/${fresh}`, 'Docker-Upload-UUID': fresh, Range: '0-0' });
        }
        const all = Buffer.concat([this.uploads.get(id) ?? Buffer.alloc(0), body]);
        this.uploads.set(id, all);
        if (req.method === 'PATCH') {
            return end(202, { Location: `/v2/${name}/blobs/uploads/${id}`, Range: `0-${all.length - 1}` });
        }
        const digest = url.searchParams.get('digest');
        if (digestOf(all) !== digest) {
            return refuse(400, 'DIGEST_INVALID');
        }
        this.blobs.set(digest, all);
        return end(201, { Location: `/v2/${name}/blobs/${digest}`, 'Docker-Content-Digest': digest });
    }

    // Pushes an image of a layout, as a person would.
    async push(layout, reference) {
        const credentials = this.wanted
            ? ['--dest-creds', Buffer.from(this.wanted.slice(6), 'base64').toString()] : [];
        const done = await run('skopeo', ['copy', '--insecure-policy', '--dest-tls-verify=false', ...credentials,
            `oci:${layout}`, `docker://${this.address}/${reference}`]);
        if (done.status !== 0) {
            throw new Error(done.stderr);
        }
    }
}

// An OCI layout DIR/layout with the image `app`: a shell, a few programs of the host, variables.
export function smallImage(dir, { greeting = 'hello' } = {}) {
    const script = `
        cd "$1"; umoci init --layout layout; umoci new --image layout:app
        mkdir -p layer/bin layer/etc layer/tmp layer/lib64; cd layer
        cp "$(readlink -f /bin/sh)" bin/sh
        cp /bin/cat /bin/ls /usr/bin/env /usr/bin/id bin/
        for f in $(ldd bin/* | grep -o '/[^ ]*[.]so[^ ]*' | sort -u); do
            mkdir -p ".$(dirname "$f")"; cp -L "$f" ".$f"; done
        echo "$2" >etc/greeting
        echo root:x:0:0::/root:/bin/sh >etc/passwd
        tar --numeric-owner --owner 0 --group 0 -cf ../layer.tar .; cd ..
        umoci raw add-layer --image layout:app layer.tar
        umoci config --image layout:app --config.env "GREETING=$2" --config.env PATH=/opt/mine:/bin \\
            --config.user 1000 --config.workingdir /tmp --config.entrypoint /nowhere --config.env HOME=/elsewhere
        rm -r layer layer.tar`;
    execFileSync('sh', ['-ec', script, 'sh', dir, greeting], { stdio: 'pipe' });
    return join(dir, 'layout');
}

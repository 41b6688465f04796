// What this machine has. A test that needs what is not there is skipped, with the reason.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { PROGRAM } from './server.js';

export function find(program) {
    try {
        return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], {
            encoding: 'utf8',
        }).trim();
    } catch {
        return null;
    }
}

// false when the program is there, else the reason to skip.
export function without(program) {
    return find(program) ? false : `${program} is not installed`;
}

// A library of tests/faults, to be preloaded into the program.
export function fault(name) {
    return join(dirname(PROGRAM), 'tests', `${name}.so`);
}

export function withoutFault(name) {
    return existsSync(fault(name)) ? false : `${fault(name)} is not built (meson -Dtests=enabled)`;
}

function mirrors() {
    const config = process.env.TF_CLI_CONFIG_FILE ?? join(homedir(), '.terraformrc');
    const dirs = [
        join(homedir(), '.terraform.d/plugins'),
        join(homedir(), '.local/share/terraform/plugins'),
        '/usr/local/share/terraform/plugins',
        '/usr/share/terraform/plugins',
    ];
    if (existsSync(config)) {
        const block = /filesystem_mirror\s*{[^}]*?path\s*=\s*"([^"]+)"/g;
        for (const found of readFileSync(config, 'utf8').matchAll(block)) {
            dirs.unshift(found[1]);
        }
    }
    return dirs;
}

// Where Terraform finds the AWS provider 5.x without the network, or null.
export function awsProvider() {
    for (const dir of mirrors()) {
        const at = join(dir, 'registry.terraform.io/hashicorp/aws');
        if (existsSync(at) && readdirSync(at).some((name) => /(^|_)5\./.test(name))) {
            return dir;
        }
    }
    return null;
}

export function withoutTerraform() {
    return without('terraform') ||
        (awsProvider() ? false : 'Terraform finds no hashicorp/aws 5.x without the network');
}

// false when builds can run here; else doctor's own words.
export function withoutBuilds() {
    if (process.env.TRUNKLINE_E2E_BUILDS === '0') {
        return 'no build image on this machine';
    }
    try {
        execFileSync(PROGRAM, ['doctor'], { stdio: 'pipe', encoding: 'utf8' });
        return false;
    } catch (error) {
        const text = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim().split('\n');
        return `builds cannot run here: ${text[text.length - 1]}`;
    }
}

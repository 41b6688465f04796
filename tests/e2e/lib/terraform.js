// Terraform with its AWS provider 5.x in a folder of its own, against a test's server.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, temporary } from './server.js';
import { awsProvider } from './tools.js';

const provider = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
  }
}
provider "aws" {
  region            = "eu-west-2"
  s3_use_path_style = true
}
`;

// `files` by name, beside the provider's own. The provider is found as Terraform finds it.
// tf(...args) runs terraform: {status, text, stdout, stderr}.
export function terraform(t, server, files) {
    const dir = temporary(t, 'trunkline-tf-');
    mkdirSync(join(dir, 'home'));
    writeFileSync(join(dir, 'terraform.rc'),
        `provider_installation {\n  filesystem_mirror {\n    path = "${awsProvider()}"\n  }\n}\n`);
    for (const [name, text] of Object.entries({ 'provider.tf': provider, ...files })) {
        writeFileSync(join(dir, name), text);
    }
    const env = {
        ...server.env(), HOME: join(dir, 'home'), TF_CLI_CONFIG_FILE: join(dir, 'terraform.rc'), TF_IN_AUTOMATION: '1',
        CHECKPOINT_DISABLE: '1',
    };
    const tf = async (...args) => {
        const done = await run('terraform', [...args, '-no-color'], { cwd: dir, env, timeout_ms: 240_000 });
        return { ...done, text: done.stdout + done.stderr };
    };
    const succeeds = (done, what) => assert.equal(done.status, 0, `${what}: ${done.text.slice(-6000)}`);
    return { dir, tf, succeeds };
}

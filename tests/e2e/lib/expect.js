// What tests expect of answers, and waiting for a condition: never for an amount of time.
import assert from 'node:assert/strict';

// The promise must reject with this error of the service, by name, as the SDK reads it.
export async function refuses(promise, name, { status, message } = {}) {
    let answer;
    try {
        answer = await promise;
    } catch (error) {
        assert.equal(error.name, name, `${error.name}: ${error.message}`);
        if (status !== undefined) {
            assert.equal(error.$metadata?.httpStatusCode, status, error.message);
        }
        if (message !== undefined) {
            assert.match(error.message, message);
        }
        return error;
    }
    assert.fail(`expected ${name}, got ${JSON.stringify(answer, null, 1)}`);
}

// Asks again until `ask` answers something true, and returns that. `what` names it in the failure.
export async function until(what, ask, { timeout_ms = 60_000, every_ms = 50 } = {}) {
    const end = Date.now() + timeout_ms;
    for (;;) {
        const answer = await ask();
        if (answer) {
            return answer;
        }
        if (Date.now() > end) {
            assert.fail(`after ${timeout_ms / 1000} s still waiting for: ${what}`);
        }
        await new Promise((next) => setTimeout(next, every_ms));
    }
}

// All pages of an operation: `call(token)` answers a page, `items(page)` and `next(page)` read it.
export async function pages(call, items, next) {
    const all = [];
    let token;
    let count = 0;
    do {
        const page = await call(token);
        all.push(...(items(page) ?? []));
        token = next(page);
        count += 1;
        assert.ok(count < 200, 'paging never ends');
    } while (token);
    return { all, count };
}

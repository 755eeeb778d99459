// Drives the vendor's SDK against a stand-in: check.mjs <base URL> <API key>. It exits 0
// when the SDK understood every answer, else it says what it did not.
import assert from "node:assert/strict";
import {
  AuthenticationError,
  BadRequestError,
  EventType,
  NotFoundError,
  PermissionDeniedError,
  RunStatus,
  TinyFish,
} from "@tiny-fish/sdk";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new TinyFish({ baseURL, apiKey, maxRetries: 0 });
const goal = "Find the price";
const output_schema = {
  type: "object",
  properties: { price: { type: "number" }, title: { type: "string" } },
  required: ["price"],
};

async function settled(runId) {
  for (;;) {
    const run = await client.runs.get(runId);
    if (run.status !== RunStatus.PENDING && run.status !== RunStatus.RUNNING) return run;
    assert.equal(run.num_of_steps, null);
    assert.equal(run.result, null);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const checks = {
  async run() {
    const done = await client.agent.run({
      url: "https://example.com/run",
      goal,
      output_schema,
      browser_profile: "stealth",
      proxy_config: { enabled: true, country_code: "DE" },
    });
    assert.equal(done.status, RunStatus.COMPLETED);
    assert.equal(typeof done.result.price, "number");
    assert.ok(done.run_id && done.started_at && done.finished_at && done.num_of_steps > 0);
    assert.equal(done.error, null);
  },

  async runThatFails() {
    const done = await client.agent.run({ url: "https://failed.example.com/", goal });
    assert.equal(done.status, RunStatus.FAILED);
    assert.equal(done.result, null);
    assert.equal(done.error.category, "AGENT_FAILURE");
    assert.equal(done.error.retry_after, null);
  },

  async queueAndGet() {
    const queued = await client.agent.queue({ url: "https://example.com/queue", goal, output_schema });
    assert.equal(queued.error, null);
    const run = await settled(queued.run_id);
    assert.equal(run.run_id, queued.run_id);
    assert.equal(run.status, RunStatus.COMPLETED);
    assert.equal(run.goal, goal);
    assert.deepEqual(run.output_schema, output_schema);
    assert.equal(typeof run.result.title, "string");
    assert.ok(run.streaming_url.startsWith(baseURL));
    assert.deepEqual(run.browser_config, { proxy_enabled: false, proxy_country_code: null });
  },

  async outcomes() {
    for (const [label, status] of [
      ["blocked", RunStatus.COMPLETED],
      ["empty", RunStatus.COMPLETED],
      ["invalid", RunStatus.COMPLETED],
      ["denied", RunStatus.FAILED],
      ["cancelled", RunStatus.CANCELLED],
    ]) {
      const { run_id } = await client.agent.queue({ url: `https://${label}.example.com/`, goal, output_schema });
      assert.equal((await settled(run_id)).status, status, label);
    }
  },

  async list() {
    const marked = `${goal} ${Math.random().toString(36).slice(2)}`;
    const ids = [];
    for (let i = 0; i < 3; i++) {
      ids.push((await client.agent.queue({ url: "https://example.com/list", goal: marked })).run_id);
    }
    const first = await client.runs.list({ goal: marked, limit: 2, sort_direction: "asc" });
    assert.deepEqual(first.data.map((run) => run.run_id), ids.slice(0, 2));
    assert.equal(first.pagination.total, 3);
    assert.equal(first.pagination.has_more, true);
    const second = await client.runs.list({
      goal: marked, limit: 2, sort_direction: "asc", cursor: first.pagination.next_cursor,
    });
    assert.deepEqual(second.data.map((run) => run.run_id), ids.slice(2));
    assert.deepEqual(second.pagination, { total: 3, has_more: false, next_cursor: null });
    const none = await client.runs.list({ created_after: new Date(Date.now() + 60_000).toISOString() });
    assert.deepEqual(none.data, []);
    assert.ok((await client.runs.list()).data.length > 0);
  },

  async stream() {
    const seen = [];
    const heard = [];
    const stream = await client.agent.stream(
      { url: "https://example.com/stream", goal, output_schema },
      { onStarted: (event) => heard.push(event.type), onComplete: (event) => heard.push(event.type) },
    );
    for await (const event of stream) seen.push(event);
    const types = seen.map((event) => event.type);
    assert.deepEqual(types.slice(0, 2), [EventType.STARTED, EventType.STREAMING_URL]);
    assert.ok(types.includes(EventType.PROGRESS));
    assert.equal(types.at(-1), EventType.COMPLETE);
    assert.deepEqual(heard, [EventType.STARTED, EventType.COMPLETE]);
    const last = seen.at(-1);
    assert.equal(last.status, RunStatus.COMPLETED);
    assert.equal(typeof last.result.price, "number");
    assert.equal(last.error, null);
    assert.equal(last.run_id, seen[0].run_id);
    assert.deepEqual((await client.runs.get(last.run_id)).result, last.result);
  },

  async streamThatFails() {
    const seen = [];
    for await (const event of await client.agent.stream({ url: "https://denied.example.com/", goal })) seen.push(event);
    assert.equal(seen.at(-1).type, EventType.COMPLETE);
    assert.equal(seen.at(-1).status, RunStatus.FAILED);
    assert.equal(seen.at(-1).error.category, "AGENT_FAILURE");
  },

  async refusals() {
    await assert.rejects(client.runs.get("none"), NotFoundError);
    await assert.rejects(client.agent.queue({ url: "not a url", goal }), BadRequestError);
    await assert.rejects(client.agent.queue({ url: "https://credits.example.com/", goal }), PermissionDeniedError);
    const stranger = new TinyFish({ baseURL, apiKey: "wrong", maxRetries: 0 });
    await assert.rejects(stranger.runs.list(), AuthenticationError);
  },

  // The SDK repeats a create that was answered 5xx: the runs are two.
  async repeatedCreate() {
    const marked = `${goal} ${Math.random().toString(36).slice(2)}`;
    const repeating = new TinyFish({ baseURL, apiKey, maxRetries: 1 });
    await repeating.agent.queue({ url: "https://twice.example.com/", goal: marked });
    assert.equal((await client.runs.list({ goal: marked })).data.length, 2);
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`passed ${name}`);
  } catch (error) {
    console.error(`failed ${name}:`, error);
    process.exitCode = 1;
  }
}

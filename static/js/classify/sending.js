// Batches of files on their way to the server, one after the other. A busy server is waited for.

import { ApiError, post } from "../api.js";
import { setup } from "./words.js";

const CLASSIFY = "/api/v1/classify/";
const MOST_BYTES = 24 * 2 ** 20;
const BUSY = new Set([429, 503]);

// Pieces that one request takes: by count, by size, and alike each in what `kind` says of an item.
export function batches(items, kind = () => "") {
    const made = [];
    let bytes = 0;
    for (const item of items) {
        const batch = made.at(-1);
        bytes += item.file.size;
        if (batch && batch.length < setup.mostFiles && bytes <= MOST_BYTES && kind(batch[0]) === kind(item)) {
            batch.push(item);
        } else {
            made.push([item]);
            bytes = item.file.size;
        }
    }
    return made;
}

// A file that was moved or deleted since it was chosen fails the whole request: it is looked at before.
async function readable(item) {
    try {
        await item.file.slice(0, 1).arrayBuffer();
        return true;
    } catch {
        return false;
    }
}

// Classifies items with more fields; answers as the server does, a result for each item. An answer of 422 is
// one too: no file of the batch could be read, and each is told why.
export async function sendFiles(items, fields, signal) {
    const form = new FormData();
    const sent = [];
    for (const item of items) {
        if (!(await readable(item))) continue;
        form.append("images", item.file, item.file.name);
        sent.push(item);
    }
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const answered = sent.length ? await answerOf(form, signal) : { results: [], model: {} };
    const results = new Map(sent.map((item, number) => [item, answered.results[number]]));
    const gone = { code: "unreadable", detail: "The file cannot be read any more. Was it moved? Choose it again." };
    return { ...answered, results: items.map((item) => results.get(item) ?? { error: gone }) };
}

async function answerOf(form, signal) {
    try {
        return await post(CLASSIFY, form, {}, signal);
    } catch (error) {
        if (error.body?.results) return error.body;
        throw error;
    }
}

// A queue of {items, run(signal), ended(error or null)}. What fails ends with its error, the next goes on;
// where the server is away or somebody stops, all that wait end so too.
export class Outgoing {
    #queue = [];
    #control = null;
    #changed;
    wait = 0;
    done = 0;
    todo = 0;

    constructor({ changed }) {
        this.#changed = changed;
    }

    get busy() {
        return this.#control !== null;
    }

    add(batches) {
        this.#queue.push(...batches);
        this.todo += batches.reduce((sum, batch) => sum + batch.items.length, 0);
        if (!this.busy && this.#queue.length) this.#work();
    }

    stop() {
        this.#control?.abort();
    }

    async #work() {
        const control = (this.#control = new AbortController());
        this.#changed();
        while (this.#queue.length) {
            const batch = this.#queue.shift();
            const error = await this.#run(batch, control.signal);
            this.done += batch.items.length;
            batch.ended(error);
            if (error && (error.status === 0 || error.status === 401)) this.#end(error);
            this.#changed();
        }
        this.#control = null;
        this.done = this.todo = 0;
        this.#changed();
    }

    #end(error) {
        for (const batch of this.#queue.splice(0)) batch.ended(error);
    }

    // Returns why it failed, null where it did not.
    async #run(batch, signal) {
        while (!signal.aborted) {
            try {
                await batch.run(signal);
                return null;
            } catch (error) {
                if (!BUSY.has(error.status) || (error.retryAfter === null && error.status !== 429)) return error;
                await this.#waitFor(Math.ceil(error.retryAfter ?? 5), signal);
            }
        }
        return new ApiError(0, { code: "stopped", detail: "stopped" });
    }

    async #waitFor(seconds, signal) {
        for (this.wait = Math.max(1, seconds); this.wait > 0 && !signal.aborted; this.wait -= 1) {
            this.#changed();
            await new Promise((resolve) => {
                const timer = setTimeout(resolve, 1000);
                signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
            });
        }
        this.wait = 0;
        this.#changed();
    }
}

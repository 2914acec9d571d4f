// How deeds reach the server: several in one request where they pile up, each still a deed of its own.

import { ApiError, post } from "../api.js";

const MOST_TOGETHER = 50;
export const isTurn = (deed) => deed.kind === "undo" || deed.kind === "redo";
const isPlain = (deed) => deed.kind === "relabel" && Boolean(deed.images) && deed.images.length <= MOST_TOGETHER;
const goesAlong = (deed, first) => !isTurn(deed) && deed.queue === first.queue && (Boolean(deed.queue) || isPlain(deed));
// What a deed asks of a queue, beside labels.
const ASKED = { keep: { keep: true }, skip: { skip: true }, accept: { accept: true } };

export class Sending {
    // `onProgress(queue, progress)` is told how far a queue is after deeds in it.
    constructor({ deeds, onProgress }) {
        Object.assign(this, { deeds, onProgress });
    }

    // How many of the first deeds go in one request.
    together(waiting) {
        const other = waiting.findIndex((deed) => !goesAlong(deed, waiting[0]));
        return Math.min(MOST_TOGETHER, other < 0 ? waiting.length : Math.max(1, other));
    }

    async send(deeds) {
        const [first] = deeds;
        if (isTurn(first)) return [await this.#sendTurn(first)];
        if (first.queue) return this.#sendToQueue(first.queue, deeds);
        return deeds.length > 1 ? this.#sendMany(deeds) : [await this.#sendOne(first)];
    }

    async #sendMany(deeds) {
        const bodies = deeds.map(({ key, reason, images, change }) => ({ key, reason, images, ...change }));
        const { results } = await post("/api/v1/relabel/many/", { deeds: bodies });
        return answers(results);
    }

    async #sendToQueue(queue, deeds) {
        const bodies = deeds.map(({ kind, key, reason, images, change }) => ({ key, reason, images, ...(ASKED[kind] ?? change) }));
        const { results, progress } = await post(`/api/v1/queues/${queue}/decide/`, { deeds: bodies });
        this.onProgress(queue, progress);
        return answers(results);
    }

    async #sendOne(deed) {
        const { key, reason, images, filter, as_of, change } = deed;
        const which = images ? { images } : { filter, as_of };
        if (deed.kind === "accept") {
            const { model, min_confidence } = deed;
            return post("/api/v1/accept/", { key, reason, model, min_confidence, ...which });
        }
        return post("/api/v1/relabel/", { key, reason, ...change, ...which });
    }

    async #sendTurn(deed) {
        const batch = this.deeds.batchOf(deed.of);
        if (!batch) return { changed: 0, unchanged: 0, stale: [] };
        try {
            return await post(`/api/v1/relabel/${batch}/${deed.kind}/`);
        } catch (error) {
            // An answer that got lost on its way: what is asked for stands already.
            if (error.code === "not_reversible" && deed.tried) return { changed: deed.after?.length ?? 0, unchanged: 0, stale: [] };
            throw error;
        }
    }
}

const answers = (results) => results.map((each) => (each.error ? new ApiError(400, each.error) : each));

// What was done and is not saved yet. It outlives a reload, is sent in order, one after the other, and tried again
// until the server has it; each deed carries a key, so that one sent twice is done once.

const PAUSES = [1, 2, 4, 8, 15];
const LATER = new Set([0, 401, 429]);

export class Outbox {
    // `together(waiting)` says how many of the first deeds go in one request; `send(deeds)` resolves to an answer
    // or an ApiError for each; `onAnswers(tell)` calls `tell`, which calls `onSaved(deed, answer)` or
    // `onRefused(deed, error)` for each; `onState(state)`.
    constructor({ place, together, send, onAnswers, onSaved, onRefused, onState }) {
        Object.assign(this, { place, together, send, onAnswers, onSaved, onRefused, onState });
        this.sending = false;
        this.failures = 0;
        this.timer = null;
        window.addEventListener("online", () => this.retry());
    }

    // Call once nothing waits to be saved any more.
    whenEmpty(call) {
        this.onEmpty = call;
        if (!this.sending && !this.waiting().length) this.#empty();
    }

    #empty() {
        this.onEmpty?.();
        this.onEmpty = null;
    }

    waiting() {
        return JSON.parse(localStorage.getItem(this.place) ?? "[]");
    }

    #keep(deeds) {
        localStorage.setItem(this.place, JSON.stringify(deeds));
    }

    add(deed) {
        this.#keep([...this.waiting(), deed]);
        this.retry();
    }

    retry() {
        clearTimeout(this.timer);
        this.timer = null;
        this.#pump();
    }

    async #pump() {
        if (this.sending) return;
        this.sending = true;
        try {
            for (let deeds = this.#begin(); deeds.length; deeds = this.#begin()) {
                this.#tell();
                if (!(await this.#deliver(deeds))) return;
            }
        } finally {
            this.sending = false;
            this.#tell();
            if (!this.waiting().length) this.#empty();
        }
    }

    #begin() {
        const waiting = this.waiting();
        const deeds = waiting.slice(0, waiting.length && this.together(waiting));
        deeds.forEach((deed) => (deed.tried = true));
        this.#keep(waiting);
        return deeds;
    }

    async #deliver(deeds) {
        let answers;
        try {
            answers = await this.send(deeds);
        } catch (error) {
            if (LATER.has(error.status) || error.status >= 500) {
                this.#pause(error);
                return false;
            }
            answers = deeds.map(() => error);
        }
        this.failures = 0;
        const ended = new Set(deeds.map((deed) => deed.key));
        this.#keep(this.waiting().filter((deed) => !ended.has(deed.key)));
        this.onAnswers(() => {
            deeds.forEach((deed, place) => {
                const answer = answers[place];
                if (answer instanceof Error) this.onRefused(deed, answer);
                else this.onSaved(deed, answer);
            });
        });
        return true;
    }

    #pause(error) {
        const seconds = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
        this.failures += 1;
        this.trouble = error;
        this.timer = setTimeout(() => this.retry(), seconds * 1000);
    }

    #tell() {
        const count = this.waiting().length;
        this.onState({ count, trouble: count && this.failures ? this.trouble : null });
    }
}

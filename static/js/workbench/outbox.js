// What was done and is not saved yet. It outlives a reload, is sent in order, one after the other, and tried again
// until the server has it; each deed carries a key, so that one sent twice is done once.

const PAUSES = [1, 2, 4, 8, 15];
const LATER = new Set([0, 401, 429]);

export class Outbox {
    // `send(deed)` resolves to the server's answer; `onSaved(deed, answer)`, `onRefused(deed, error)`, `onState(state)`.
    constructor({ place, send, onSaved, onRefused, onState }) {
        Object.assign(this, { place, send, onSaved, onRefused, onState });
        this.sending = false;
        this.failures = 0;
        this.timer = null;
        window.addEventListener("online", () => this.retry());
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

    // Take a deed back that was never tried; false where it may have reached the server.
    takeBack(key) {
        const waiting = this.waiting();
        const place = waiting.findIndex((deed) => deed.key === key);
        if (place < 0 || waiting[place].tried || place !== waiting.length - 1) return false;
        this.#keep(waiting.slice(0, place));
        this.#tell();
        return true;
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
            for (let deed = this.#begin(); deed; deed = this.#begin()) {
                this.#tell();
                if (!(await this.#deliver(deed))) return;
            }
        } finally {
            this.sending = false;
            this.#tell();
        }
    }

    #begin() {
        const waiting = this.waiting();
        if (!waiting.length) return null;
        waiting[0].tried = true;
        this.#keep(waiting);
        return waiting[0];
    }

    #end(deed) {
        this.failures = 0;
        this.#keep(this.waiting().filter((each) => each.key !== deed.key));
    }

    async #deliver(deed) {
        let answer;
        try {
            answer = await this.send(deed);
        } catch (error) {
            if (LATER.has(error.status) || error.status >= 500) {
                this.#pause(error);
                return false;
            }
            this.#end(deed);
            this.onRefused(deed, error);
            return true;
        }
        this.#end(deed);
        this.onSaved(deed, answer);
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

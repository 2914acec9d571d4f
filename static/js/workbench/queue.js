// A queue in the workbench: its images come to this person alone, and a strip above the grid says how far it is.

import { get, post } from "../api.js";
import { preload } from "../thumb.js";
import { counted } from "./saying.js";

const HOLD_EVERY = 90 * 1000;
// Whoever did nothing for so long has gone: what they took goes to the others when its lease ends.
const IDLE = 8 * 60 * 1000;

export class QueuePages {
    size = 40;
    // Nobody takes more than they will soon see: the rest is for others.
    ahead = 300;

    constructor({ id, onProgress }) {
        Object.assign(this, { address: `/api/v1/queues/${id}`, onProgress });
        this.restart();
    }

    restart() {
        Object.assign(this, { more: true, held: true, skipped: false, others: [], coming: null });
    }

    comeBack() {
        Object.assign(this, { more: true, skipped: true });
    }

    // The next images are fetched while the person looks at these, but for the last, which are left to others.
    async read() {
        const early = await this.coming;
        const { images, progress, with_others } = early ?? (await this.#take());
        Object.assign(this, { others: with_others, more: images.length >= this.size });
        this.coming = this.more && progress.free > 2 * this.size ? this.#takeEarly() : null;
        if (!this.more) this.skipped = false;
        if (!early) this.onProgress(progress);
        return images;
    }

    async #take() {
        const { size, held, skipped } = this;
        const taken = await post(`${this.address}/take/`, { size, held, skipped });
        this.held = false;
        return taken;
    }

    async #takeEarly() {
        try {
            const taken = await this.#take();
            taken.images.forEach(preload);
            return taken;
        } catch {
            return null;
        }
    }
}

function toldTime(seconds) {
    if (seconds < 90) return "about a minute left";
    const minutes = Math.round(seconds / 60);
    return minutes < 90 ? `about ${minutes} min left` : `about ${Math.round(minutes / 60)} h left`;
}

export class QueueStrip {
    // `pages` is where the images come from.
    constructor({ place, id, pages }) {
        Object.assign(this, { place, id, pages });
        this.part = (name) => place.querySelector(`[data-${name}]`);
        this.active = Date.now();
        for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, () => (this.active = Date.now()), { passive: true });
        setInterval(() => this.#hold(), HOLD_EVERY);
        this.part("leave").addEventListener("click", (event) => this.#leave(event));
    }

    #hold() {
        if (Date.now() - this.active < IDLE) post(`/api/v1/queues/${this.id}/hold/`).catch(() => {});
    }

    // What was taken and not decided on is free at once.
    async #leave(event) {
        event.preventDefault();
        const { href } = event.currentTarget;
        await post(`/api/v1/queues/${this.id}/release/`).catch(() => {});
        window.location = href;
    }

    async progressNow() {
        const queue = await get(`/api/v1/queues/${this.id}/`).catch(() => null);
        return queue?.progress;
    }

    show(progress) {
        this.progress = progress;
        const { total, done, pace, mine, skipped, seconds_left } = progress;
        const bar = this.part("bar");
        const percent = String(total ? Math.round((100 * done) / total) : 100);
        bar.setAttribute("aria-valuenow", percent);
        bar.firstElementChild.style.width = `${percent}%`;
        this.part("done").textContent = `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
        const told = [];
        if (mine && progress.open) told.push(`you: ${Math.round(mine)} a minute`);
        if (pace && progress.open && pace > (mine ?? 0) * 1.05) told.push(`all: ${Math.round(pace)} a minute`);
        if (seconds_left) told.push(toldTime(seconds_left));
        this.part("pace").textContent = told.join(" · ");
        const back = this.part("back");
        back.hidden = !skipped;
        back.textContent = `Come back to ${skipped.toLocaleString("en")} skipped`;
    }

    // What stands below the last image.
    end() {
        const { open, skipped, total } = this.progress;
        if (!open) return `All ${counted(total)} are decided.`;
        if (this.pages.others.length) return `The rest is with ${this.pages.others.join(", ")}. Ask again in a while.`;
        if (skipped) return `Only skipped images are left besides these: come back to them when you like.`;
        return "These are the last ones.";
    }
}

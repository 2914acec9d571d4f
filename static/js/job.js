// Follows long work: asks REST until it has ended, shows how far it is, draws the page again where it changed.

import { get } from "./api.js";

const ACTIVE = new Set(["queued", "running", "cancelling"]);
const LONGEST_WAIT = 30000;
const FINAL = new Set(["signed_out", "not_found", "permission_denied"]);

export const isActive = (job) => ACTIVE.has(job.state);

// Calls `onChange(job)` at once and whenever the answer differs, until the job has ended. Rests while the page
// is hidden; asks ever more rarely while the server does not answer, telling `onTrouble` (null: it is over).
export function follow(url, onChange, { every = 1500, onTrouble = () => {} } = {}) {
    let last = "";
    let wait = every;
    const later = () => setTimeout(ask, wait);

    async function ask() {
        if (document.hidden) {
            document.addEventListener("visibilitychange", ask, { once: true });
            return;
        }
        let job;
        try {
            job = await get(url);
        } catch (error) {
            onTrouble(error);
            wait = Math.min(wait * 2, LONGEST_WAIT);
            if (!FINAL.has(error.code)) later();
            return;
        }
        if (wait !== every) onTrouble(null);
        wait = every;
        const told = JSON.stringify(job);
        if (told !== last) onChange(job);
        last = told;
        if (isActive(job)) later();
    }

    ask();
}

// Fetches the page again and puts its `data-live` parts, known by their ids, in the place of those shown.
export async function redraw(url = window.location.href) {
    const response = await fetch(url, { credentials: "same-origin", headers: { "X-Redraw": "1" } });
    if (!response.ok || response.redirected) throw new Error("The page could not be drawn again.");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const shown of document.querySelectorAll("[data-live]")) {
        const drawn = page.getElementById(shown.id);
        if (drawn && withoutToken(drawn) !== withoutToken(shown)) replace(shown, drawn);
    }
}

function withoutToken(element) {
    return element.innerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
}

// What a person has opened, how far it is scrolled and where the focus is stay as they are.
function replace(shown, drawn) {
    const scrolled = [...shown.querySelectorAll(".scroll[id]")].map(({ id, scrollTop, scrollLeft }) => ({ id, scrollTop, scrollLeft }));
    for (const details of shown.querySelectorAll("details[open][id]")) {
        drawn.querySelector(`#${details.id}`)?.setAttribute("open", "");
    }
    const focused = shown.contains(document.activeElement) ? document.activeElement.id : "";
    shown.replaceChildren(...drawn.childNodes);
    for (const { id, ...position } of scrolled) Object.assign(document.getElementById(id) ?? {}, position);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Writes a job's progress into the parts of `place` that are marked for it.
export function showProgress(place, job) {
    const { share, total, message } = job.progress;
    const percent = Math.round(100 * share);
    const write = (part, text) => {
        const element = place.querySelector(`[data-${part}]`);
        if (element && element.textContent !== text) element.textContent = text;
    };
    if (job.state === "queued") write("message", `Number ${job.queue_position} in the queue`);
    else if (isActive(job)) write("message", message || "Starting");
    write("share", total ? `${percent} %` : "");
    tellTimeSoFar(place.querySelector("[data-so-far]"));
    const bar = place.querySelector("[data-bar]");
    if (!bar) return;
    bar.classList.toggle("waiting", !total);
    bar.firstElementChild.style.width = `${percent}%`;
    if (total) bar.setAttribute("aria-valuenow", String(percent));
    else bar.removeAttribute("aria-valuenow");
}

// Counts on from the seconds the server wrote: its clock may differ from the one here.
function tellTimeSoFar(element) {
    if (!element) return;
    element.drawnAt ??= performance.now();
    element.textContent = duration(Number(element.dataset.soFar) + (performance.now() - element.drawnAt) / 1000);
}

// How fast a job is, as seen from here over the last half minute.
export class Pace {
    #seen = [];

    // Returns {rate, left}: per second, and seconds to the end; null while too little was seen.
    add(done, total, now = performance.now()) {
        if (this.#seen.length && done < this.#seen.at(-1).done) this.#seen = [];
        this.#seen.push({ done, now });
        while (now - this.#seen[0].now > 30000 && this.#seen.length > 2) this.#seen.shift();
        const first = this.#seen[0];
        const rate = (1000 * (done - first.done)) / (now - first.now);
        return rate > 0 && Number.isFinite(rate) ? { rate, left: (total - done) / rate } : null;
    }
}

// A duration as pages show it: 48 s, 3 min 20 s, 1 h 05 min.
export function duration(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    const two = (number) => String(number).padStart(2, "0");
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
    return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

// Says beneath the progress that the server does not answer; null takes it back.
export function showTrouble(place, error) {
    const element = place.querySelector("[data-trouble]");
    if (!element) return;
    element.hidden = !error;
    if (!error) return;
    const told = FINAL.has(error.code) ? error.message : "The server does not answer; it is asked again.";
    element.textContent = `${told} What is shown may be old.`;
}

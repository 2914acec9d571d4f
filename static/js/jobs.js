// A list of jobs: drawn again while one of them is active; where some wait, says whether a worker is there.

import { get } from "./api.js";
import { redraw } from "./job.js";

const EVERY = 2500;
const WORKERS_EVERY = 15000;
const place = document.getElementById("workers");
let workersAsked = -Infinity;

// Tells whether anyone takes up what waits; `waiting` jobs wait.
export async function tellWorkers(waiting) {
    if (!place || !waiting) {
        if (place) place.hidden = true;
        return;
    }
    if (performance.now() - workersAsked < WORKERS_EVERY) return;
    workersAsked = performance.now();
    let alive;
    try {
        ({ alive } = await get(place.dataset.source));
    } catch {
        return;
    }
    const work = place.dataset.work;
    const wait = waiting === 1 ? "1 job waits" : `${waiting} jobs wait`;
    place.classList.toggle("warn", !alive.length);
    place.replaceChildren();
    if (alive.length) {
        const workers = alive.length === 1 ? `${/^[aeiou]/.test(work) ? "An" : "A"} ${work} worker is alive` : `${alive.length} ${work} workers are alive`;
        place.append(`${workers}: ${wait} for its turn.`);
    } else {
        const command = Object.assign(document.createElement("code"), { textContent: "./run serve" });
        const line = document.createElement("span");
        line.append(`No ${work} worker is alive: ${wait} for one. Start the site with its workers: `, command, ".");
        place.append(line);
    }
    place.hidden = false;
}

export function watchList() {
    const waiting = () => document.querySelectorAll("[data-live] [data-waiting]").length;
    tellWorkers(waiting());
    const timer = setInterval(async () => {
        if (document.hidden) return;
        if (!document.querySelector("[data-live] [data-active]")) return;
        await redraw().catch(() => {});
        tellWorkers(waiting());
    }, EVERY);
    return () => clearInterval(timer);
}

if (document.querySelector(".jobs")) watchList();

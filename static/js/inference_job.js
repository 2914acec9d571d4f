// One inference job: its progress with rate and time left, and what the server says anew when its state changes.

import { duration, follow, Pace, redraw, showProgress, showTrouble } from "./job.js";
import { tellWorkers } from "./jobs.js";

const setup = JSON.parse(document.getElementById("job-setup").textContent);
const now = document.getElementById("now");
const pace = new Pace();
const CLOCK = { hour: "2-digit", minute: "2-digit", hour12: false };
let shape = JSON.stringify(setup.shape);

function write(part, text) {
    const place = now.querySelector(`[data-${part}]`);
    if (place) place.textContent = text;
}

// Of a job that several workers share the server knows the pace: it sees all of them.
function paceOf(job) {
    return job.rate && job.seconds_left !== null ? { rate: job.rate, left: job.seconds_left } : null;
}

follow(
    setup.source,
    async (job) => {
        const found = JSON.stringify([job.state, job.attempt, job.progress.total, job.events.length]);
        if (found !== shape) await redraw().catch(() => {});
        shape = found;
        showProgress(now, job);
        tellWorkers(job.state === "queued" ? 1 : 0);
        if (job.state !== "running") return;
        const { done, total } = job.progress;
        const seen = paceOf(job) ?? pace.add(done, total);
        write("done", done.toLocaleString("en"));
        write("total", total.toLocaleString("en"));
        write("rate", seen ? seen.rate.toLocaleString("en", { maximumFractionDigits: seen.rate < 10 ? 1 : 0 }) : "–");
        write("left", seen ? duration(seen.left) : "–");
        write("end", job.ends_at ? new Date(job.ends_at).toLocaleTimeString("en", CLOCK) : "–");
        write("workers", job.workers.toLocaleString("en"));
    },
    { every: 1000, onTrouble: (error) => showTrouble(now, error) },
);

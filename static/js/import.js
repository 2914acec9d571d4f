// One import or its check: how far it is, and what the server says anew when its state changes.

import { duration, follow, isActive, Pace, redraw, showProgress, showTrouble } from "./job.js";
import { tellWorkers } from "./jobs.js";

const setup = JSON.parse(document.getElementById("job-setup").textContent);
const now = document.getElementById("now");
const pace = new Pace();
let shape = JSON.stringify(setup.shape);
let active = setup.active;

function write(part, text) {
    const place = now.querySelector(`[data-${part}]`);
    if (place) place.textContent = text;
}

follow(
    setup.source,
    async (job) => {
        // The end is worth a whole page: an import may have made a dataset, which the sidebar then offers.
        if (active && !isActive(job)) return window.location.reload();
        active = isActive(job);
        const found = JSON.stringify([job.state, job.attempt, job.progress.total, job.events.length]);
        if (found !== shape) await redraw().catch(() => {});
        shape = found;
        showProgress(now, job);
        if (job.state === "running" && !job.progress.total) write("message", "Unpacking the archive");
        tellWorkers(job.state === "queued" ? 1 : 0);
        if (job.state !== "running") return;
        const { done, total } = job.progress;
        const seen = pace.add(done, total);
        write("done", done.toLocaleString("en"));
        write("total", total.toLocaleString("en"));
        write("rate", seen ? seen.rate.toLocaleString("en", { maximumFractionDigits: seen.rate < 10 ? 1 : 0 }) : "–");
        write("left", seen ? duration(seen.left) : "–");
    },
    { every: 1000, onTrouble: (error) => showTrouble(now, error) },
);

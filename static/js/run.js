// One run: its progress, its curves, and what the server says of it anew whenever its state or epochs change.

import { count, exponential, size } from "./figures.js";
import { duration, follow, isActive, redraw, showProgress, showTrouble } from "./job.js";
import { tellWorkers } from "./jobs.js";
import { drawRun } from "./run_curves.js";

const setup = JSON.parse(document.getElementById("run-setup").textContent);
const now = document.getElementById("now");
const draw = drawRun(document, setup.epochs);
let shape = JSON.stringify(setup.shape);

// Seconds of training that are left, of what an epoch takes; null before the first and after the last.
function left(run, epochs) {
    if (run.state !== "running" || !epochs.length || epochs.length >= setup.epochs) return null;
    // The first epoch also builds the network's graph.
    const steady = epochs.length > 1 ? epochs.slice(1) : epochs;
    const each = steady.reduce((sum, epoch) => sum + epoch.seconds, 0) / steady.length;
    const reached = run.progress.share * setup.epochs;
    // Only while the network learns does the progress count its epochs.
    const done = reached >= epochs.length && reached <= epochs.length + 1 ? reached : epochs.length;
    return each * (setup.epochs - done);
}

// Batches and learning rate while the network learns, and the memory of the worker.
function showFigures(run) {
    const isLearning = isActive(run) && run.learning_rate !== null;
    const show = (name, isThere, value, of = "") => {
        const figure = now.querySelector(`[data-figure="${name}"]`);
        if (!figure) return;
        figure.hidden = !isThere;
        if (!isThere) return;
        figure.querySelector("[data-value]").textContent = value;
        const part = figure.querySelector("[data-of]");
        if (part) part.textContent = of;
    };
    show("batches", isLearning, count(run.progress.done), count(run.progress.total));
    show("learning-rate", isLearning, isLearning ? exponential(run.learning_rate) : "");
    show("memory", run.memory_bytes !== null, size(run.memory_bytes), size(run.memory_peak_bytes));
}

follow(
    setup.source,
    async (run) => {
        const epochs = run.epochs.filter((epoch) => epoch.attempt === run.attempt);
        draw(epochs);
        const found = JSON.stringify([run.state, run.attempt, run.epochs.length, run.events.length]);
        if (found !== shape) await redraw().catch(() => {});
        shape = found;
        showProgress(now, run);
        showFigures(run);
        const seconds = left(run, epochs);
        const place = now.querySelector("[data-left]");
        if (place && seconds !== null) place.textContent = duration(seconds);
        else if (place) place.textContent = "–";
        if (!isActive(run)) showTrouble(now, null);
        tellWorkers(run.state === "queued" ? 1 : 0);
    },
    { every: 1200, onTrouble: (error) => showTrouble(now, error) },
);

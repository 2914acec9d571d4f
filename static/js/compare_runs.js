// Runs side by side: what is chosen stands in the address, and the page is drawn again from there.

import { curves } from "./charts.js";
import { redraw } from "./job.js";

const EVERY = 3000;
const form = document.getElementById("choice");
const drawScore = curves(document.getElementById("plot-scores"), { fromZero: false, legend: false, top: 1 });
const drawLoss = curves(document.getElementById("plot-loss"), { fromZero: false, legend: false });
let chosen = [];
let latest = 0;
let line = Promise.resolve();

function draw() {
    const { score, curves: shown } = JSON.parse(document.getElementById("drawn").textContent);
    const last = Math.max(2, ...shown.flatMap(({ epochs }) => epochs.map(({ epoch }) => epoch)));
    const series = (figure) => shown.map(({ label, colour, dash, best, epochs }) => ({
        label, colour, dash, best, values: epochs.map((epoch) => [epoch.epoch, epoch[figure]]),
    }));
    drawScore(series(score), { epochs: last });
    drawLoss(series("val_loss"), { epochs: last });
    return shown.map(({ run }) => String(run));
}

// One after the other; of several that wait only the last is drawn.
function again() {
    const turn = ++latest;
    line = line.then(async () => {
        if (turn !== latest) return;
        await redraw().catch(() => {});
        if (turn === latest) chosen = draw();
    });
    return line;
}

function go(address) {
    history.replaceState(null, "", address);
    return again();
}

// The address with one field changed; what is usual is left out of it.
function changed({ name, value, checked, type }) {
    const query = new URLSearchParams(window.location.search);
    if (name === "run") {
        chosen = checked ? [...chosen, value] : chosen.filter((run) => run !== value);
        query.delete("run");
        for (const run of chosen.length ? chosen : ["none"]) query.append("run", run);
    } else if (type === "checkbox") {
        query.delete(name);
        if (!checked) query.set(name, "shown");
    } else {
        if (value) query.set(name, value);
        else query.delete(name);
        if (name !== "score") query.delete("before");
    }
    return `?${query}`;
}

document.addEventListener("change", (event) => {
    if (event.target.form === form) go(changed(event.target));
});

document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-again]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(link.href);
});

// A long table is asked for more rarely: its server shall have time for others.
async function watch() {
    const began = performance.now();
    if (!document.hidden && document.querySelector("[data-live] [data-active]")) await again();
    setTimeout(watch, Math.max(EVERY, 5 * (performance.now() - began)));
}

chosen = draw();
setTimeout(watch, EVERY);

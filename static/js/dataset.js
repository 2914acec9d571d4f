// The page of a dataset: the chart of label changes; batches are undone and redone in place.

import { post } from "./api.js";
import { bars } from "./bars.js";
import { redraw } from "./job.js";
import { say } from "./toast.js";

const COLOURS = ["--bar-by-hand", "--bar-accepted", "--bar-reversed"];
const plot = document.getElementById("plot-changes");
const draw = plot && bars(plot);

function drawChanges() {
    const { days, series } = JSON.parse(document.getElementById("dataset-setup").textContent);
    draw(days, series.map((each, place) => ({ ...each, colour: COLOURS[place] })));
}

function told(way, done) {
    const images = (number) => `${number} image${number === 1 ? "" : "s"}`;
    if (!done.changed) return `Nothing to ${way}: ${images(done.stale.length)} changed since, and left alone`;
    const left = done.stale.length ? `; ${images(done.stale.length)} left alone, changed since` : "";
    return `${way === "undo" ? "Undone" : "Redone"}: ${images(done.changed)}${left}`;
}

async function reverse(button) {
    const { batch, way } = button.dataset;
    button.disabled = true;
    try {
        const done = await post(`/api/v1/relabel/${batch}/${way}/`);
        say(told(way, done), { bad: !done.changed });
        await redraw();
        drawChanges();
    } catch (error) {
        say(error.message, { bad: true });
    }
    // Where nothing could be undone the page is drawn as it was.
    button.disabled = false;
}

document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-batch]");
    if (button) reverse(button);
});
if (plot) drawChanges();

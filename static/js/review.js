// The page of queues: started with one click, renamed, closed and opened again in place.

import { patch, post } from "./api.js";
import { redraw } from "./job.js";
import { say } from "./toast.js";
import { askName } from "./workbench/asking.js";

async function start(form) {
    const error = form.querySelector("[role=alert]");
    const button = form.querySelector("button");
    const empty = form.querySelector("[data-empty]");
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
    error.hidden = true;
    if (empty) empty.hidden = true;
    button.disabled = true;
    try {
        const { dataset, start: kind } = form.dataset;
        const queue = await post("/api/v1/queues/", { ...given, dataset, kind });
        window.location = `/workbench/?${new URLSearchParams({ dataset, queue: queue.id })}`;
    } catch (refusal) {
        error.textContent = refusal.message;
        error.hidden = false;
        if (empty) empty.hidden = refusal.code !== "no_predictions";
        button.disabled = false;
    }
}

async function change(id, what, told, back = null) {
    try {
        await patch(`/api/v1/queues/${id}/`, what);
        say(told, { action: back && { label: "Undo", run: () => change(id, ...back) } });
        await redraw();
        // The button that was pressed may be gone.
        if (document.activeElement === document.body) document.getElementById("queues").focus({ preventScroll: true });
    } catch (error) {
        say(error.message, { bad: true });
    }
}

async function rename({ rename: id, name }) {
    const chosen = await askName({ title: `Rename “${name}”`, text: "", yes: "Rename", value: name, most: 120 });
    if (chosen) change(id, { name: chosen }, `Renamed to “${chosen}”`, [{ name }, `Renamed to “${name}”`]);
}

document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-start]")) return;
    event.preventDefault();
    start(event.target);
});
document.addEventListener("input", ({ target }) => {
    const told = target.name === "size" && target.form.querySelector("[data-size]");
    if (told) told.textContent = Number(target.value).toLocaleString("en");
});
// What is folded away cannot be pointed at.
document.addEventListener("invalid", ({ target }) => target.closest("details")?.setAttribute("open", ""), { capture: true });
// Others have worked meanwhile; who comes back sees it.
const refresh = () => document.hidden || redraw().catch(() => {});
document.addEventListener("visibilitychange", refresh);
window.addEventListener("pageshow", ({ persisted }) => persisted && refresh());
document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-close], [data-open], [data-rename]");
    if (!button) return;
    const { close, open, name } = button.dataset;
    const closing = [{ closed: true }, `“${name}” is closed`];
    const opening = [{ closed: false }, `“${name}” is open again`];
    if (close) change(close, ...closing, opening);
    else if (open) change(open, ...opening, closing);
    else rename(button.dataset);
});

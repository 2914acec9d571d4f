// Filters kept under a name: opened again, shared with colleagues, removed.

import { get, post, remove } from "../api.js";
import { say } from "../toast.js";
import { ask, askName } from "./asking.js";

export async function listenToViews({ query }) {
    const place = document.getElementById("bench-views");
    if (!place) return;
    const select = place.querySelector("select");
    place.querySelector("[data-save-view]").addEventListener("click", () => save(query, select));
    place.querySelector("[data-drop-view]").addEventListener("click", () => drop(select));
    place.querySelector("[data-make-queue]")?.addEventListener("click", () => makeQueue(query));
    select.addEventListener("change", () => open(select));
    await fill(select, query);
}

const ofAddress = (query) => JSON.stringify(Object.entries(query).sort());

async function fill(select, query) {
    const found = await get(`/api/v1/views/?${new URLSearchParams({ dataset: query.dataset, page_size: 200 })}`).catch(() => null);
    if (!found) return;
    const saved = found.results.map((view) => {
        const option = new Option(view.mine ? view.name : `${view.name} (${view.owner})`, view.id);
        option.dataset.query = JSON.stringify(view.query);
        option.dataset.mine = view.mine;
        return option;
    });
    select.querySelector("[data-saved]").replaceChildren(...saved);
    const shown = [...select.options].find((each) => ofAddress({ ...JSON.parse(each.dataset.query), dataset: query.dataset }) === ofAddress(query));
    if (shown) shown.selected = true;
    else select.add(Object.assign(new Option("These filters", "", true, true), { hidden: true }), 0);
    tell(select);
}

function tell(select) {
    document.querySelector("[data-drop-view]").hidden = select.selectedOptions[0]?.dataset.mine !== "true";
}

function open(select) {
    const { query } = select.selectedOptions[0].dataset;
    const dataset = new URLSearchParams(window.location.search).get("dataset") ?? "";
    window.location.search = new URLSearchParams({ ...JSON.parse(query), ...(dataset && { dataset }) });
}

async function save(query, select) {
    const shared = Object.assign(document.createElement("input"), { type: "checkbox" });
    const sharing = Object.assign(document.createElement("label"), { className: "row small" });
    sharing.append(shared, "Show it to my colleagues too");
    const name = await askName({ title: "Save these filters", text: "", yes: "Save", most: 64, content: sharing });
    if (!name) return;
    const { dataset, ...rest } = query;
    try {
        await post("/api/v1/views/", { dataset, name, query: rest, shared: shared.checked });
        say(`Saved as “${name}”`);
        await fill(select, query);
    } catch (error) {
        say(error.message, { bad: true });
    }
}

async function makeQueue({ dataset, ...filter }) {
    const text = "The images that match now, up to 10,000, in this order. Several people can work it: nobody gets another's image.";
    const name = await askName({ title: "Make a queue of these images", text, yes: "Make the queue", most: 120 });
    if (!name) return;
    try {
        const queue = await post("/api/v1/queues/", { dataset, kind: "filter", filter, name });
        window.location = `/workbench/?${new URLSearchParams({ dataset, queue: queue.id })}`;
    } catch (error) {
        say(error.message, { bad: true });
    }
}

async function drop(select) {
    const chosen = select.selectedOptions[0];
    if (!(await ask({ title: `Remove the view “${chosen.textContent}”?`, text: "Its images stay as they are.", yes: "Remove" }))) return;
    try {
        await remove(`/api/v1/views/${chosen.value}/`);
        chosen.remove();
        tell(select);
    } catch (error) {
        say(error.message, { bad: true });
    }
}

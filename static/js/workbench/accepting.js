// Accepting at once what a model predicts with enough confidence, after a look at what would change.

import { get, post } from "../api.js";
import { say } from "../toast.js";
import { ask } from "./asking.js";
import { counted } from "./saying.js";

const USUAL = 0.95;

export async function acceptAbove({ setup, labels, reason }) {
    const content = document.createElement("div");
    content.className = "stack";
    const level = Object.assign(document.createElement("input"), { type: "number", min: 0, max: 1, step: 0.01, value: USUAL });
    const field = Object.assign(document.createElement("label"), { className: "field", textContent: "Confidence of at least" });
    field.append(level);
    const preview = Object.assign(document.createElement("div"), { className: "preview" });
    preview.setAttribute("role", "status");
    content.append(field, preview);

    const { filter } = labels;
    // The server's clock, not this machine's: what changes while the question stands is left alone.
    const opened = get(`/api/v1/images/facets/?${new URLSearchParams(filter)}`);
    let found = null;
    const look = async () => {
        const asked = { filter, model: setup.model, min_confidence: Number(level.value) };
        found = null;
        preview.textContent = "Counting…";
        try {
            asked.as_of = (await opened).as_of;
            const would = await post("/api/v1/accept/", { ...asked, dry_run: true });
            if (Number(level.value) !== asked.min_confidence) return;
            found = { ...would, ...asked };
            preview.replaceChildren(...lines(would));
        } catch (error) {
            preview.textContent = error.message;
        }
    };
    level.addEventListener("input", look);
    look();
    const agreed = await ask({
        title: `Accept what ${setup.model} predicts`,
        text: "Of the images that match the filter. Each label will say that it came from this model; “u” undoes all of it.",
        yes: "Accept",
        content,
    });
    if (!agreed) return;
    if (!found) return say("The counts were not there yet. Look at them first, then accept.", { bad: true });
    if (!found.changed) return say("There is nothing to accept at that confidence.");
    const accept = { model: setup.model, min_confidence: found.min_confidence };
    labels.changeMatching(null, reason, { asOf: found.as_of, accept });
}

function lines(would) {
    const told = [`${counted(would.changed)} would change, ${would.unchanged.toLocaleString("en")} are labelled so already.`];
    for (const { from, to, count } of would.changes) told.push(`${from ?? "no label"} → ${to}: ${count.toLocaleString("en")}`);
    return told.map((text) => Object.assign(document.createElement("div"), { textContent: text }));
}
